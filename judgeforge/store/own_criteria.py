"""The criteria of a prompt's own as a run folder keeps them: JSON text beside pairs and skips.

A text, since checks have arguments of any kind, which no column of a table can hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from judgeforge.text.messages import SparseRecord

FIELD = "own_criteria"
"""Of a pair, and of a skip."""


class KeptCriteria(SparseRecord):
    only_where_set = frozenset({"written_by", "calls"})

    criteria: list[dict[str, JsonValue]]
    """As a rubric file would have them."""
    written_by: str | None = None
    """The model, by its name in the configuration; None where the row brought them."""
    calls: tuple[str, ...] = ()
    """Keys of the calls that wrote them."""
    cost_usd: float | None = 0.0
    """None where the price is unknown."""

    @property
    def text(self) -> str:
        unpaid = None if self.calls else {"cost_usd"}
        return json.dumps(self.model_dump(mode="json", exclude=unpaid), ensure_ascii=False)


def criteria_in(lines: Mapping[str, Sequence[bytes]]) -> str | None:
    """What a finished prompt was judged by of its own; ``lines``: those of its journal record."""
    for line in (*lines["pairs"][:1], *lines["skips"][:1]):
        if found := json.loads(line).get(FIELD):
            return str(found)
    return None


def kept_criteria(text: str | None) -> KeptCriteria | None:
    """Those of a pair or a skip. Raises ValidationError where the text is not what a run writes."""
    return KeptCriteria.model_validate_json(text) if text else None
