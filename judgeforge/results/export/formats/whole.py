"""Every column of a pair, with its provenance: JSON lines and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from judgeforge.records import PreferencePair
from judgeforge.results.export.arrow import open_table, pair_types
from judgeforge.results.export.targets import Export, Row, Write, asked_columns, asked_types


def whole_row(export: Export) -> Callable[[PreferencePair], Row]:
    """The rows of ``pairs.jsonl`` as they are, and the columns that were asked for."""

    def row(pair: PreferencePair) -> Row:
        asked = asked_columns(pair, export.options)
        return export.columns.complete({**pair.model_dump(mode="json"), **asked})

    return row


@contextmanager
def open_whole_parquet(path: Path, export: Export) -> Iterator[Write]:
    """No rows make a valid file."""
    row, asked = whole_row(export), asked_types(export.options)
    with open_table(path, {**pair_types(export.columns), **asked}) as write:
        yield lambda pair: write(row(pair))
