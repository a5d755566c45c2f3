"""The two kinds of durable file: one that only grows, and one of places that are written over.

``AppendedFile``: a record goes to the kernel in one write, so a killed process leaves all of it or
a torn end of the file, never a hole. Each process that goes on with the file takes the torn end
away first, or closes it off. Nothing is forced onto the disk record by record: that would cost
milliseconds a call.

``FixedFile``: a place goes to the kernel in one write of its whole size. As long as it lies within
one page of memory (4,096 bytes), a killed process leaves the old or the new content, never a
mixture: a file of many places needs a size that divides a page.
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


class FixedFile:
    """``size``: bytes of one place. All methods raise StoreError where the file fails."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.descriptor = descriptor_of(path, os.O_RDWR | os.O_CREAT)
        """For the kernel's lock on it: see ``flock``."""

    def count(self) -> int:
        """How many whole places the file has, whichever process wrote them."""
        return os.fstat(self.descriptor).st_size // self.size

    def read(self, place: int = 0) -> bytes:
        """Empty where nothing was written yet."""
        try:
            return os.pread(self.descriptor, self.size, place * self.size)
        except OSError as error:
            raise read_error(self.path, error) from error

    def write(self, content: bytes, place: int = 0) -> None:
        """``content`` is filled up with blanks. What does not fit on the disk leaves nothing."""
        offset = place * self.size
        if len(content) > self.size:
            raise ValueError(f"{len(content)} bytes for a place of {self.size}")
        try:
            written = os.pwrite(self.descriptor, content.ljust(self.size), offset)
            if written != self.size:
                if os.fstat(self.descriptor).st_size == offset + written:  # a new place
                    os.ftruncate(self.descriptor, offset)
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            raise write_error(self.path, error) from error

    def cut_torn_place(self) -> None:
        """Take away what a full disk or a kill left of a last place."""
        try:
            size = os.fstat(self.descriptor).st_size
            if size % self.size:
                os.ftruncate(self.descriptor, size - size % self.size)
        except OSError as error:
            raise write_error(self.path, error) from error

    def close(self) -> None:
        os.close(self.descriptor)
