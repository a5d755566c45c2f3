"""Pairs -> Arrow tables of bounded size, with the types said beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from judgeforge.export.columns import COLUMNS, ColumnType, arrow_schema
from judgeforge.export.target import Row
from judgeforge.records import PreferencePair

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_ROWS = 1_000
_MOST_CHARACTERS = 8_000_000
"""Long texts make smaller groups: a group is what a writer and a reader hold at once."""


class RowGroups:
    """Collects pairs and hands them on as tables; ``flush`` hands on the rest."""

    def __init__(
        self,
        take: Callable[[pa.Table], object],
        *,
        with_margin: bool = False,
    ) -> None:
        columns: Mapping[str, ColumnType] = COLUMNS
        if with_margin:
            columns = {**COLUMNS, "margin": "float64"}
        self.schema = arrow_schema(columns)
        self._take, self._with_margin = take, with_margin
        self._rows: list[Row] = []
        self._characters = 0

    def add(self, pair: PreferencePair) -> None:
        row = pair.model_dump(mode="json")
        if self._with_margin:
            row["margin"] = pair.score_margin
        self._rows.append(row)
        self._characters += sum(
            len(turn.content) for turn in (*pair.prompt, *pair.chosen, *pair.rejected)
        )
        if len(self._rows) >= _MOST_ROWS or self._characters >= _MOST_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """No rows make no group: readers take the size of their batches from the first one."""
        if not self._rows:
            return
        import pyarrow as pa

        self._take(pa.Table.from_pylist(self._rows, schema=self.schema))
        self._rows, self._characters = [], 0
