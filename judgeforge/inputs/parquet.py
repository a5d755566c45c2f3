"""Parquet, read in small batches."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from judgeforge.config.run import Fields
from judgeforge.errors import InputError
from judgeforge.inputs.files import DAMAGED, open_binary
from judgeforge.inputs.rows import BadRow, RawRow, require_columns
from judgeforge.records import SkipReason

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 64
_BUFFER_BYTES = 1 << 16
"""As it comes, pyarrow reads a whole row group ahead, often the whole file."""


def read(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    """Raises InputError for what is no Parquet file or has no such column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            _seekable(path) as binary,
            pq.ParquetFile(binary, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file,
        ):
            wanted = require_columns(str(path), fields, file.schema_arrow.names)
            number = 1
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
                yield from _rows(batch, number)
                number += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is no readable Parquet file ({error})") from error


def _seekable(path: Path) -> BinaryIO:
    """Parquet is read from its end, so a gz file is unpacked to a temporary file first."""
    file = open_binary(path)
    if not isinstance(file, gzip.GzipFile):
        return file
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with file:
            shutil.copyfileobj(file, unpacked)
    except DAMAGED as error:
        unpacked.close()
        raise InputError(f"{path}: is a damaged gz file ({error}); pack it anew") from error
    unpacked.seek(0)
    return unpacked


def _rows(batch: pa.RecordBatch, first: int) -> Iterator[RawRow | BadRow]:
    try:
        rows = batch.to_pylist()
    except (ValueError, OverflowError):
        # One value cannot be had in Python; row by row the others can.
        yield from (_row(batch, first + index, index) for index in range(batch.num_rows))
        return
    yield from (RawRow(number, row) for number, row in enumerate(rows, start=first))


def _row(batch: pa.RecordBatch, number: int, index: int) -> RawRow | BadRow:
    try:
        return RawRow(number, batch.slice(index, 1).to_pylist()[0])
    except UnicodeDecodeError:
        detail = "the row holds text that is not UTF-8; write the file anew from UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
    except (ValueError, OverflowError) as error:
        return BadRow(number, SkipReason.INVALID_ROW, f"the row cannot be read: {error}")
