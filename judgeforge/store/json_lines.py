"""Reading back the JSON-lines files of a run folder, one line at a time.

Result files are written whole: a line that is not JSON is damage, and is named with its place. The
log is written as the run goes on: a kill may cut its last line, and others may write to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import read_error
from judgeforge.text.messages import Record
from judgeforge.text.wording import first_problem

Row = dict[str, Any]
R = TypeVar("R", bound=Record)
V = TypeVar("V")


def read_rows(file: Path, *, needs: str = "", containing: bytes = b"") -> Iterator[Row]:
    """The rows of a result file; lines without the bytes ``containing`` are passed over unread.

    Raises StoreError where the file cannot be read, or a line is not a JSON object with the field
    ``needs``.
    """
    for _, _, row in _read(file, partial(_row, needs=needs), containing=containing):
        yield row


def read_placed_rows(
    file: Path, *, needs: str, offset: int = 0
) -> Iterator[tuple[int, bytes, Row]]:
    """The same from byte ``offset`` on, each with the byte at which it begins and its line."""
    return _read(file, partial(_row, needs=needs), offset=offset)


def read_records(file: Path, kind: type[R]) -> Iterator[R]:
    """Raises StoreError where the file cannot be read, or a line is not of that kind."""
    for _, _, record in _read(file, kind.model_validate_json):
        yield record


def read_log(
    file: Path, *, containing: bytes = b"", last_bytes: int | None = None
) -> Iterator[Row]:
    """Lines that are not JSON objects are passed over; a log that is gone has none.

    Of the ``last_bytes`` only, if given, without the line that they begin within. Raises
    StoreError.
    """
    try:
        with file.open("rb") as lines:
            if last_bytes is not None:
                lines.seek(max(0, lines.seek(0, os.SEEK_END) - last_bytes))
            for line in lines:
                if containing in line:
                    with suppress(ValueError, RecursionError):
                        yield _row(line, needs="")
    except FileNotFoundError:
        return
    except OSError as error:
        raise read_error(file, error) from error


def _read(
    file: Path, parse: Callable[[bytes], V], *, offset: int = 0, containing: bytes = b""
) -> Iterator[tuple[int, bytes, V]]:
    number, begin = 0, offset
    try:
        with file.open("rb") as lines:
            lines.seek(begin)
            for line in lines:
                number += 1
                if containing in line:
                    yield offset, line, parse(line)
                offset += len(line)
    except OSError as error:
        raise read_error(file, error) from error
    except (ValueError, RecursionError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else error
        place = _lines_before(file, begin) + number
        raise StoreError(
            f"{file}:{place}: damaged ({problem}). If it was changed by hand, delete it and start "
            "`judgeforge run` on the folder again: it is made again from the journal."
        ) from error


def _lines_before(file: Path, offset: int) -> int:
    with file.open("rb") as lines:
        return lines.read(offset).count(b"\n")


def _row(line: bytes, needs: str) -> Row:
    try:
        row = from_json(line)  # in a third of the time
    except ValueError:  # what it does not read, half a character say, or says in other words
        row = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    if needs and needs not in row:
        raise ValueError(f"no `{needs}`")
    return row
