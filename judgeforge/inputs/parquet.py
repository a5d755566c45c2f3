"""Parquet, read in small batches: of few rows where a row may be large, and none of what unpacks to
hundreds of times its size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from judgeforge.errors import InputError
from judgeforge.inputs.files import LONGEST_LINE
from judgeforge.inputs.packed import DAMAGED, HIGHEST_RATIO, OpenedFile, open_file, refuse_size
from judgeforge.inputs.rows import BadRow, RawRow
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import SkipReason

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

_BATCH_ROWS = 64
_BATCH_BYTES = 64 << 20
_USUAL_RATIO = 10
_FEWEST_USUAL_ROWS = 8
"""At once, of a column packed as text usually is: reading row by row takes 20 times longer."""
_VALUE_BYTES = 8
_BUFFER_BYTES = 1 << 16
"""As it comes, pyarrow reads a whole row group ahead, often the whole file."""


def read(path: Path, columns: SourceColumns) -> Iterator[RawRow | BadRow]:
    """Raises InputError for what is not a Parquet file or has no such column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            _seekable(path) as binary,
            pq.ParquetFile(binary, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file,
        ):
            wanted = columns.of_header(str(path), file.schema_arrow.names)
            number = 1
            for group in range(file.num_row_groups):
                size = _batch_rows(path, file, group, wanted)
                for batch in file.iter_batches(size, row_groups=[group], columns=wanted):
                    yield from _rows(batch, number)
                    number += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is not a readable Parquet file ({error})") from error


def _batch_rows(path: Path, file: ParquetFile, group: int, wanted: list[str]) -> int:
    """How many rows may be read at once. Raises InputError where unpacking would fill the memory.

    A value is at most as large as all of its column, where a dictionary may say it again and
    again; of a list, every element may be in one row.
    """
    rows = _BATCH_ROWS
    about = file.metadata.row_group(group)
    for place in range(about.num_columns):
        chunk, column = about.column(place), file.schema.column(place)
        if column.path.split(".")[0] not in wanted:
            continue
        repeated = column.max_repetition_level > 0
        unpacked = max(chunk.total_uncompressed_size, repeated * chunk.num_values * _VALUE_BYTES)
        if unpacked > max(_BATCH_BYTES, HIGHEST_RATIO * chunk.total_compressed_size):
            raise InputError(
                f"{path}: the column `{column.path}` unpacks {chunk.total_compressed_size} bytes "
                f"to {unpacked >> 20} MiB in row group {group + 1}; write it in smaller row groups"
            )
        is_usual = unpacked <= _USUAL_RATIO * chunk.total_compressed_size
        fewest = _FEWEST_USUAL_ROWS if is_usual else 1
        rows = min(rows, max(fewest, _BATCH_BYTES // max(1, unpacked)))
    return rows


def _seekable(path: Path) -> BinaryIO:
    """Parquet is read from its end, so a packed file is unpacked to a temporary file first."""
    opened = open_file(path)
    if opened.packing is None:
        return opened.binary
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with opened.binary:
            _unpack(path, opened, unpacked)
    except DAMAGED as error:
        unpacked.close()
        raise InputError(
            f"{path}: is a damaged {opened.packing} file ({error}); pack it again"
        ) from error
    except InputError:
        unpacked.close()
        raise
    unpacked.seek(0)
    return unpacked


def _unpack(path: Path, opened: OpenedFile, unpacked: BinaryIO) -> None:
    while piece := opened.binary.read(1 << 20):
        refuse_size(path, unpacked.tell(), opened.packed_bytes)
        unpacked.write(piece)


def _rows(batch: pa.RecordBatch, first: int) -> Iterator[RawRow | BadRow]:
    if batch.nbytes <= LONGEST_LINE:
        # Where one value has no form in Python, row by row the others have theirs.
        with suppress(ValueError, OverflowError):
            rows = batch.to_pylist()
            return (RawRow(number, row) for number, row in enumerate(rows, start=first))
    return (_row(batch, first + index, index) for index in range(batch.num_rows))


def _row(batch: pa.RecordBatch, number: int, index: int) -> RawRow | BadRow:
    row = batch.slice(index, 1)
    if row.nbytes > LONGEST_LINE:
        detail = f"the row is longer than {LONGEST_LINE >> 20} MiB; split or shorten it"
        return BadRow(number, SkipReason.TOO_LONG, detail)
    try:
        return RawRow(number, row.to_pylist()[0])
    except UnicodeDecodeError:
        detail = "the row holds text that is not UTF-8; write the file again from UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
    except (ValueError, OverflowError) as error:
        return BadRow(number, SkipReason.INVALID_ROW, f"the row cannot be read: {error}")
