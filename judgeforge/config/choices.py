"""Names that a configuration chooses from a table, and the tables of formats and shapes of rows.

To add a format: a file with its reader in ``inputs/``, and a line in ``ROW_FORMATS``. To add a
shape: a file in ``inputs/shapes/``, and a line in ``ROW_SHAPES``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from judgeforge.config.providers import PROVIDERS
from judgeforge.errors import InputError
from judgeforge.ranking.protocols import PROTOCOLS


@dataclass(frozen=True, slots=True)
class RowFormat:
    suffixes: tuple[str, ...]
    """Endings of file names, in lower case, that mean this format; one of a packed file may
    follow."""
    reader: str
    """As ``module:name`` (see ``inputs.reading.Reader``), imported when such a file is read."""


ROW_FORMATS: dict[str, RowFormat] = {
    "jsonl": RowFormat((".jsonl", ".ndjson"), "judgeforge.inputs.lines:read_jsonl"),
    "json": RowFormat((".json",), "judgeforge.inputs.json_array:read"),
    "csv": RowFormat((".csv",), "judgeforge.inputs.csv_table:read"),
    "tsv": RowFormat((".tsv",), "judgeforge.inputs.csv_table:read_tsv"),
    "parquet": RowFormat((".parquet",), "judgeforge.inputs.parquet:read"),
    "text": RowFormat((".txt",), "judgeforge.inputs.lines:read_text"),
}

PACKED_SUFFIXES = {".gz": "gz", ".zst": "zst", ".zstd": "zst"}
"""Endings of the names of packed files, in lower case, and what they are packed as."""

ROW_SHAPES: dict[str, str] = {
    "prompts": "judgeforge.inputs.shapes.shape:SHAPE",
    "messages": "judgeforge.inputs.shapes.conversations:MESSAGES",
    "sharegpt": "judgeforge.inputs.shapes.conversations:SHAREGPT",
    "alpaca": "judgeforge.inputs.shapes.alpaca:SHAPE",
    "transcript": "judgeforge.inputs.shapes.transcripts:SHAPE",
    "preference": "judgeforge.inputs.shapes.preferences:SHAPE",
    "comparison": "judgeforge.inputs.shapes.comparisons:SHAPE",
    "scored": "judgeforge.inputs.shapes.scored:SHAPE",
}
"""How rows are laid out, in whatever format: ``module:name`` of an ``inputs.shapes.shape.Shape``,
imported when rows are read."""


_OF_FOLDERS = ", or name its folder: `hf: {name: FOLDER}` reads all Arrow files in it"


def format_of(path: Path) -> RowFormat:
    """By the ending of the file's name. Raises InputError where it tells nothing."""
    if (found := format_or_none(path)) is not None:
        return found
    suffix = _suffix(path)
    known = ", ".join(suffix for each in ROW_FORMATS.values() for suffix in each.suffixes)
    raise InputError(
        f"{path}: its ending tells no format (known are {known}, each also with .gz or .zst); "
        f"say `format:` {', '.join(ROW_FORMATS)}{_OF_FOLDERS if suffix == '.arrow' else ''}"
    )


def format_or_none(path: Path) -> RowFormat | None:
    """None where the ending of its name tells no format."""
    suffix = _suffix(path).lower()
    return next((each for each in ROW_FORMATS.values() if suffix in each.suffixes), None)


def _suffix(path: Path) -> str:
    is_packed = path.suffix.lower() in PACKED_SUFFIXES
    return Path(path.stem).suffix if is_packed else path.suffix


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
RowShapeName = Annotated[str, OneOf(lambda: ["auto", *ROW_SHAPES])]
RowFormatName = Annotated[str, OneOf(lambda: ["auto", *ROW_FORMATS])]
