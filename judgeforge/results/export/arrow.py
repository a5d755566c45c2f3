"""Pairs as Arrow tables of bounded size, as Parquet and as a Hugging Face dataset.

The columns are said once, beforehand: types guessed from data go wrong where a list is empty or a
cost unknown in the first rows and not in later ones, and cannot be guessed where there are no rows.
Arrow's own reader of JSON lines makes the tables. ``Table.from_pylist`` would import pandas, half
a second and 45 MB that are used for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.records import PreferencePair
from judgeforge.results.export.targets import Write
from judgeforge.store.atomic_files import replacing
from judgeforge.store.json_lines import read_records

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

ColumnType = str | list[Any] | dict[str, Any]
"""``string``, ``int64`` or ``float64``; a list of one type; a struct by field name."""

_MOST_ROWS = 1_000
_MOST_CHARACTERS = 8_000_000
"""Long texts make smaller groups: a group is what a writer and a reader have in memory at once."""

_MESSAGES: ColumnType = [{"role": "string", "content": "string"}]

COLUMNS: Mapping[str, ColumnType] = {
    "id": "string",
    "prompt_id": "string",
    "prompt": _MESSAGES,
    "chosen": _MESSAGES,
    "rejected": _MESSAGES,
    "score_chosen": "float64",
    "score_rejected": "float64",
    "score_margin": "float64",
    "confidence": "float64",
    "p_tie": "float64",
    "chosen_model": "string",
    "rejected_model": "string",
    "strategy": "string",
    "provenance": {
        "chosen_id": "string",
        "rejected_id": "string",
        "judgment_ids": ["string"],
        "rubric": {"name": "string", "version": "int64", "sha256": "string"},
        "judges": ["string"],
        "calls": ["string"],
        "missing_judges": ["string"],
        "answered_models": ["string"],
        "cost_usd": "float64",
        "judgeforge_version": "string",
    },
}


def arrow_schema(columns: Mapping[str, ColumnType] = COLUMNS) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])


def card_features(columns: Mapping[str, ColumnType] = COLUMNS) -> list[dict[str, Any]]:
    """The columns as ``dataset_info.features`` of a dataset card has them."""
    return [{"name": name, **_card_type(kind)} for name, kind in columns.items()]


def pairs_dataset(file: Path) -> Dataset:
    """The rows of a ``pairs.jsonl`` in their order; no rows make an empty dataset of all columns.

    Nothing is copied to the cache of ``datasets``, so what is read is always what is in the file.
    Raises StoreError where the file cannot be read or a line is not a pair.
    """
    import pyarrow as pa
    from datasets import Dataset

    tables: list[pa.Table] = []
    groups = RowGroups(tables.append)
    for pair in read_records(file, PreferencePair):
        groups.add(pair)
    groups.flush()
    return Dataset(pa.concat_tables(tables) if tables else groups.schema.empty_table())


@contextmanager
def open_parquet(path: Path, with_margin: bool = False) -> Iterator[Write]:
    """No rows make a valid file. Raises StoreError where it cannot be written."""
    from pyarrow.parquet import ParquetWriter

    def write_group(table: pa.Table) -> None:
        writer.write_table(table)

    groups = RowGroups(write_group, with_margin=with_margin)
    with replacing(path) as file, ParquetWriter(file, groups.schema, compression="zstd") as writer:
        yield groups.add
        groups.flush()


class RowGroups:
    """Collects pairs and hands them on as tables; ``flush`` hands on the rest."""

    def __init__(self, take: Callable[[pa.Table], object], *, with_margin: bool = False) -> None:
        self._read = arrow_schema()
        self.schema = arrow_schema({**COLUMNS, "margin": "float64"}) if with_margin else self._read
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
        self._take(self._table(b"".join(self._lines)))
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


def _arrow_type(kind: ColumnType) -> pa.DataType:
    import pyarrow as pa

    if isinstance(kind, str):
        return pa.type_for_alias(kind)
    if isinstance(kind, list):
        return pa.list_(_arrow_type(kind[0]))
    return pa.struct([(name, _arrow_type(part)) for name, part in kind.items()])


def _card_type(kind: ColumnType) -> dict[str, Any]:
    if isinstance(kind, str):
        return {"dtype": kind}
    if isinstance(kind, list):
        item = kind[0]
        return {"list": item if isinstance(item, str) else card_features(item)}
    return {"struct": card_features(kind)}
