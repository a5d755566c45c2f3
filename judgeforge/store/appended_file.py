"""The first kind of durable file: it only grows, by one whole record at a time.

A record goes to the kernel in one write, so a killed process leaves all of it or a torn end of the
file, never a hole. Each process that goes on with the file takes the torn end away first, or closes
it off. Nothing is forced onto the disk record by record: that would cost milliseconds a call.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from judgeforge.store.files import descriptor_of, read_error, write_error

_BLOCK = 65_536


class AppendedFile:
    """Written by one process at a time. All methods raise StoreError where the file fails.

    ``read_only`` never changes the file and needs one that exists.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        flags = os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._descriptor = descriptor_of(path, flags)
        self.end = os.fstat(self._descriptor).st_size
        """Bytes of the file, and the offset of the next record."""

    def append(self, record: bytes) -> int:
        """The offset of the record. One that does not fit on the disk leaves nothing behind."""
        try:
            written = os.write(self._descriptor, record)
            if written != len(record):
                os.ftruncate(self._descriptor, self.end)  # the next must not be glued to half a one
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            raise write_error(self.path, error) from error
        offset, self.end = self.end, self.end + written
        return offset

    def read(self, size: int, offset: int) -> bytes:
        """Fewer than ``size`` bytes at the end of the file."""
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise read_error(self.path, error) from error

    def cut(self, end: int) -> None:
        """Take away all from byte ``end`` on."""
        try:
            os.ftruncate(self._descriptor, end)
        except OSError as error:
            raise write_error(self.path, error) from error
        self.end = end

    def last_line_end(self) -> int:
        """Where the last whole line ends: less than ``end`` where a kill tore the one behind it."""
        stop = self.end
        while stop > 0:
            start = max(0, stop - _BLOCK)
            newline = self.read(stop - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            stop = start
        return 0

    def close(self) -> None:
        os.close(self._descriptor)
