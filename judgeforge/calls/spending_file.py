"""The spending file of a run folder: one row a line, each written by one system call."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from judgeforge.calls.spending import Account
from judgeforge.errors import StoreError


class SpendingFile:
    """Appends rows. Raises StoreError when a row cannot be written whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        _cut_torn_line(file)
        try:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._end = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise StoreError(f"{file}: cannot be written: {error}") from error

    def append(self, row: Sequence[Any]) -> None:
        line = (json.dumps(row, separators=(",", ":")) + "\n").encode()
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                # The next row must not be glued to half of this one.
                os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error
        if written != len(line):
            raise StoreError(f"{self._file}: the disk is full; free space and start again.")
        self._end += written

    def close(self) -> None:
        os.close(self._descriptor)


def read_account(file: Path) -> Account:
    """Add up a spending file without changing it; a last line that was cut off is left out.

    Such a line is that of a kill in the middle of a write: its call was not sent, since the line
    comes first. Raises StoreError where any other line cannot be read.
    """
    account = Account()
    for number, line in enumerate(_whole_lines(file), start=1):
        try:
            account.add(json.loads(line))
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise StoreError(
                f"{file}:{number}: this is no line of a spending file ({error}). "
                "What was spent cannot be known, so nothing is sent; use a new run folder."
            ) from error
    return account


def _whole_lines(file: Path) -> Iterator[bytes]:
    """One at a time: the file of a long run has hundreds of thousands."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        yield from (line for line in lines if line.endswith(b"\n"))


def _cut_torn_line(file: Path) -> None:
    if not file.exists():
        return
    whole = sum(map(len, _whole_lines(file)))
    if whole != file.stat().st_size:
        os.truncate(file, whole)
