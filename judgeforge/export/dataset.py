"""Pairs as a Hugging Face dataset, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.export.reading import read_pairs
from judgeforge.export.row_groups import RowGroups

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset


def pairs_dataset(file: Path) -> Dataset:
    """The rows of a ``pairs.jsonl`` in their order; no rows make an empty dataset of all columns.

    Nothing is copied to the cache of ``datasets``, so what is read is always what is in the file.
    Raises StoreError where the file cannot be read or a line is no pair.
    """
    import pyarrow as pa
    from datasets import Dataset

    tables: list[pa.Table] = []
    groups = RowGroups(tables.append)
    for pair in read_pairs(file):
        groups.add(pair)
    groups.flush()
    return Dataset(pa.concat_tables(tables) if tables else groups.schema.empty_table())
