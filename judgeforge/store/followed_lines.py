"""A file of lines that another process appends to, read as it grows and changed in nothing.

Each look reads only what is new. A file that was replaced, or cut (as a start does after a power
cut), is read anew from its beginning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from judgeforge.store.atomic_files import read_error

_BLOCK = 1 << 20


class FollowedLines:
    """``last_bytes``: how much of what is there already is read at the first look; None for all.

    The whole lines of each look are given without their line breaks; a line that is not whole yet
    waits for the next look.
    """

    def __init__(self, file: Path, *, last_bytes: int | None = None) -> None:
        self._file, self._last_bytes = file, last_bytes
        self._place: tuple[int, int] | None = None
        self._offset = 0
        self.begins_anew = False
        """Whether the last look began at the beginning of the file once more."""
        self.skipped = 0
        """Bytes before what was read first."""

    def new_lines(self) -> Iterator[bytes]:
        """Raises StoreError where the file cannot be read; one that is not there has no lines."""
        self.begins_anew = False
        try:
            with self._file.open("rb") as lines:
                self._find_place(os.fstat(lines.fileno()))
                lines.seek(self._offset)
                yield from self._read(lines)
        except FileNotFoundError:
            return
        except OSError as error:
            raise read_error(self._file, error) from error

    def _find_place(self, found: os.stat_result) -> None:
        place = (found.st_dev, found.st_ino)
        if self._place == place and found.st_size >= self._offset:
            return
        self.begins_anew = self._place is not None
        self._place, self._offset, self.skipped = place, 0, 0
        if self._last_bytes is not None and found.st_size > self._last_bytes:
            self._offset = self.skipped = found.st_size - self._last_bytes

    def _read(self, lines: BinaryIO) -> Iterator[bytes]:
        rest, is_torn = b"", self._offset == self.skipped > 0
        while block := lines.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                self._offset += len(line) + 1
                if is_torn:  # the one that the reading began within
                    is_torn = False
                    continue
                yield line
