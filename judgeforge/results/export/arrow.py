"""Rows as Arrow tables of bounded size, as Parquet and as a Hugging Face dataset.

The columns are said once, beforehand: types guessed from data go wrong where a list is empty or a
cost unknown in the first rows and not in later ones, and cannot be guessed where there are no rows.
Arrow's own reader of JSON lines makes the tables. ``Table.from_pylist`` would import pandas, half
a second and 45 MB that are used for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.records import PreferencePair
from judgeforge.store.atomic_files import replacing
from judgeforge.store.json_lines import read_records
from judgeforge.store.pair_columns import Kind, PairColumns, columns_of

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

ColumnType = str | list[Any] | dict[str, Any]
"""``string``, ``int64``, ``float64``, ``bool``, ``json`` or ``image``; a list of one type; a struct
by field name."""
Columns = Mapping[str, ColumnType]

IMAGE, JSON = "image", "json"
"""The Image feature of ``datasets`` (bytes, or where they are), and its Json feature: values of any
shape, which it reads back as they were."""

_MOST_ROWS = 1_000
_MOST_BYTES = 8_000_000
"""Long texts make smaller groups: a group is what a writer and a reader have in memory at once."""

_OF_MESSAGES: Columns = {
    "tool_call_id": "string",
    "name": "string",
    "reasoning_content": "string",
}


_AUDIT: dict[str, Any] = {
    "judged": "bool",
    "pairs": "int64",
    "better": "float64",
    "low": "float64",
    "high": "float64",
}


def messages_type(
    columns: PairColumns, parts: ColumnType = JSON, arguments: ColumnType = "string"
) -> ColumnType:
    """``parts``: of contents, where any message has parts and others are texts. ``arguments``: of
    tool calls; objects of different tools have no type in common but JSON."""
    function = {"name": "string", "arguments": arguments}
    calls: Columns = {"tool_calls": [{"id": "string", "type": "string", "function": function}]}
    beside = {**calls, **_OF_MESSAGES}
    more = {key: kind for key, kind in beside.items() if key in columns.message_keys}
    return [{"role": "string", "content": parts if columns.parts else "string", **more}]


def optional_types(columns: PairColumns) -> Columns:
    """Of the columns that only some data have."""
    metadata = {key: _metadata_type(kind) for key, kind in columns.metadata.items()}
    return {
        **({"tools": "string"} if columns.tools else {}),
        **({"metadata": metadata} if metadata else {}),
        **({"own_criteria": "string"} if columns.own_criteria else {}),
    }


def pair_types(columns: PairColumns) -> Columns:
    """The columns of ``pairs.jsonl``."""
    messages = messages_type(columns)
    return {
        "id": "string",
        "prompt_id": "string",
        "prompt": messages,
        "chosen": messages,
        "rejected": messages,
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
        **optional_types(columns),
        **({"audit": _AUDIT} if columns.audit else {}),
    }


COLUMNS: Columns = pair_types(PairColumns())
"""Those that all pairs have."""


def arrow_schema(columns: Columns = COLUMNS) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(name, _arrow_type(kind)) for name, kind in columns.items()])


def card_features(columns: Columns = COLUMNS) -> list[dict[str, Any]]:
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
    columns = read_columns(file)
    groups = RowGroups(tables.append, pair_types(columns))
    for pair in read_records(file, PreferencePair):
        groups.add(columns.complete(pair.model_dump(mode="json")))
    groups.flush()
    return Dataset(pa.concat_tables(tables) if tables else groups.schema.empty_table())


def read_columns(file: Path) -> PairColumns:
    """Of a ``pairs.jsonl``. A file that cannot be read says so when its rows are read."""
    try:
        with file.open("rb") as lines:
            return columns_of(lines)
    except (OSError, ValueError):
        return PairColumns()


@contextmanager
def open_parquet(
    path: Path, columns: PairColumns | None = None
) -> Iterator[Callable[[bytes], None]]:
    """Takes lines of pairs.jsonl, with the ``columns`` that their folder has; none are those that
    all pairs have. What is in a line is not read here, only by Arrow."""
    columns = columns or PairColumns()
    with _open_groups(path, pair_types(columns)) as groups:
        yield lambda line: groups.add_line(columns.written(line))


@contextmanager
def open_table(path: Path, columns: Columns) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """No rows make a valid file. Raises StoreError where it cannot be written."""
    with _open_groups(path, columns) as groups:
        yield groups.add


@contextmanager
def _open_groups(path: Path, columns: Columns) -> Iterator[RowGroups]:
    from pyarrow.parquet import ParquetWriter

    def write_group(table: pa.Table) -> None:
        writer.write_table(table)

    groups = RowGroups(write_group, columns)
    with replacing(path) as file, ParquetWriter(file, groups.schema, compression="zstd") as writer:
        yield groups
        groups.flush()


class RowGroups:
    """Collects rows and hands them on as tables; ``flush`` hands on the rest."""

    def __init__(self, take: Callable[[pa.Table], object], columns: Columns) -> None:
        kinds = set(_kinds(dict(columns)))
        self.schema = _with_features(columns) if {IMAGE, JSON} & kinds else arrow_schema(columns)
        self._columns, self._take, self._has_json = columns, take, JSON in kinds
        self._pictured = [name for name, kind in columns.items() if kind == [IMAGE]]
        self._read = arrow_schema({k: v for k, v in columns.items() if k not in self._pictured})
        self._lines: list[bytes] = []
        self._pictures: list[list[Any]] = []
        self._bytes = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Raises pyarrow.ArrowInvalid, at the end of a group, for a row of other columns."""
        if self._pictured:
            shown = [row[name] for name in self._pictured]
            self._pictures.append(shown)
            self._bytes += sum(len(one["bytes"] or b"") for each in shown for one in each)
            row = {name: value for name, value in row.items() if name not in self._pictured}
        if self._has_json:
            row = {name: _encoded(value, self._columns[name]) for name, value in row.items()}
        self._add_line(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def add_line(self, line: bytes) -> None:
        """The same row as JSON, with a line break at its end."""
        if self._pictured or self._has_json:
            self.add(json.loads(line))
        else:
            self._add_line(line)

    def _add_line(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        if len(self._lines) >= _MOST_ROWS or self._bytes >= _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """No rows make no group: readers take the size of their batches from the first one."""
        if not self._lines:
            return
        self._take(self._table(b"".join(self._lines)))
        self._lines, self._pictures, self._bytes = [], [], 0

    def _table(self, lines: bytes) -> pa.Table:
        import pyarrow as pa
        from pyarrow import BufferReader, json

        table = json.read_json(
            BufferReader(lines),
            json.ReadOptions(use_threads=False, block_size=len(lines)),
            json.ParseOptions(explicit_schema=self._read, unexpected_field_behavior="error"),
        )
        for number, name in enumerate(self._pictured):
            shown = pa.array([row[number] for row in self._pictures], _arrow_type([IMAGE]))
            table = table.append_column(name, shown)
        table = table.select(self.schema.names)
        if self._has_json:
            from datasets.table import table_cast

            table = table_cast(table, self.schema)
        return table.replace_schema_metadata(self.schema.metadata)


def _with_features(columns: Columns) -> pa.Schema:
    """To Arrow a picture is bytes; what it is stands where ``datasets`` reads it."""
    from datasets import Features

    return Features({name: _feature(kind) for name, kind in columns.items()}).arrow_schema


def _feature(kind: ColumnType) -> Any:  # noqa: ANN401 (of a library without types)
    from datasets import Image, Json, List, Value

    if isinstance(kind, list):
        return List(_feature(kind[0]))
    if isinstance(kind, dict):
        return {name: _feature(part) for name, part in kind.items()}
    return {IMAGE: Image, JSON: Json}[kind]() if kind in (IMAGE, JSON) else Value(kind)


def _kinds(kind: ColumnType) -> Iterator[str]:
    if isinstance(kind, str):
        yield kind
    else:
        for part in kind if isinstance(kind, list) else kind.values():
            yield from _kinds(part)


def _encoded(value: Any, kind: ColumnType) -> Any:  # noqa: ANN401 (of JSON)
    """With JSON text where the type says json."""
    if value is None or (isinstance(kind, str) and kind != JSON):
        return value
    if isinstance(kind, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(kind, list):
        return [_encoded(each, kind[0]) for each in value]
    return {name: _encoded(each, kind[name]) for name, each in value.items()}


def _metadata_type(kind: Kind | None) -> ColumnType:
    return "string" if kind is None else kind or ["string"]


def _arrow_type(kind: ColumnType) -> pa.DataType:
    import pyarrow as pa

    if kind == IMAGE:
        return pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    if isinstance(kind, str):
        return pa.type_for_alias("string" if kind == JSON else kind)
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
