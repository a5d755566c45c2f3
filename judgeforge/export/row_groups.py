"""Pairs -> Arrow tables of bounded size, with the types said beforehand.

Arrow's own reader of JSON lines makes the tables. ``Table.from_pylist`` would import pandas, half
a second and 45 MB that are used for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from judgeforge.export.columns import COLUMNS, ColumnType, arrow_schema
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
        self._read = arrow_schema(COLUMNS)
        margin: Mapping[str, ColumnType] = {"margin": "float64"} if with_margin else {}
        self.schema = arrow_schema({**COLUMNS, **margin})
        self._take, self._with_margin = take, with_margin
        self._lines: list[bytes] = []
        self._characters = 0

    def add(self, pair: PreferencePair) -> None:
        self._lines.append(pair.model_dump_json().encode() + b"\n")
        self._characters += sum(
            len(turn.content) for turn in (*pair.prompt, *pair.chosen, *pair.rejected)
        )
        if len(self._lines) >= _MOST_ROWS or self._characters >= _MOST_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """No rows make no group: readers take the size of their batches from the first one."""
        if not self._lines:
            return
        table = self._table(b"".join(self._lines))
        self._take(table)
        self._lines, self._characters = [], 0

    def _table(self, lines: bytes) -> pa.Table:
        from pyarrow import BufferReader, json

        table = json.read_json(
            BufferReader(lines),
            json.ReadOptions(use_threads=False, block_size=len(lines)),
            json.ParseOptions(explicit_schema=self._read, unexpected_field_behavior="error"),
        )
        if self._with_margin:
            table = table.append_column("margin", table["score_margin"])
        return table
