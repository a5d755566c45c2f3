"""Names that a configuration chooses from a table: a line that is added there is enough."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from judgeforge.config.providers import PROVIDERS
from judgeforge.config.row_formats import ROW_FORMATS
from judgeforge.ranking.protocols import PROTOCOLS


class OneOf:
    """Annotates a text that must be one of ``names``, which are asked for at each validation."""

    def __init__(self, names: Callable[[], Collection[str]]) -> None:
        self._names = names

    def __get_pydantic_core_schema__(
        self,
        source: Any,  # noqa: ANN401
        handler: GetCoreSchemaHandler,
    ) -> CoreSchema:
        return no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "enum": list(self._names())}

    def _known(self, name: str) -> str:
        if name in self._names():
            return name
        listed = {"names": ", ".join(map(repr, self._names()))}
        raise PydanticCustomError("unknown_name", "Input should be one of {names}", listed)


ProviderName = Annotated[str, OneOf(lambda: PROVIDERS)]
JudgeProtocol = Annotated[
    str, OneOf(lambda: [name for name, facts in PROTOCOLS.items() if not facts.by_code])
]
RowFormatName = Annotated[str, OneOf(lambda: ["auto", *ROW_FORMATS])]
