"""Parquet, read in small batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from judgeforge.config import Fields
from judgeforge.errors import InputError
from judgeforge.sources.raw import BadRow, RawRow

_BATCH_ROWS = 256


def read(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if fields.prompt not in names:
                raise InputError(
                    f"{path}: there is no column `{fields.prompt}` (there are {', '.join(names)}). "
                    "Map it with `fields: {prompt: COLUMN}`."
                )
            wanted = [name for name in fields.model_dump().values() if name in names]
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield RawRow(number, without_nulls(row))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is no readable Parquet file: {error}") from error


def without_nulls(row: dict[str, object]) -> dict[str, object]:
    """Tables fill absent cells with null."""
    return {name: value for name, value in row.items() if value is not None}
