"""Pairs as Parquet, with the types said beforehand and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.export.reading import read_pairs
from judgeforge.export.row_groups import RowGroups
from judgeforge.export.target import Target, Write
from judgeforge.store.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def open_parquet(path: Path, with_margin: bool) -> Iterator[Write]:
    from pyarrow.parquet import ParquetWriter

    def write_group(table: pa.Table) -> None:
        writer.write_table(table)

    groups = RowGroups(write_group, with_margin=with_margin)
    with replacing(path) as file, ParquetWriter(file, groups.schema, compression="zstd") as writer:
        yield groups.add
        groups.flush()


def write_pairs_parquet(jsonl: Path, parquet: Path) -> None:
    """Write the rows of ``jsonl`` to ``parquet``, in the same order; no rows make a valid file.

    Raises StoreError where a file cannot be read or written, or a line is no pair.
    """
    with open_parquet(parquet, False) as write:
        for pair in read_pairs(jsonl):
            write(pair)


TARGET = Target(suffix=".parquet", open=open_parquet)
