"""The two kinds of durable file: one that only grows, and one of places that are written over.

``AppendedFile``: a record goes to the kernel in one write, so a killed process leaves all of it or
a torn end of the file, never a hole. Each process that goes on with the file takes the torn end
away first, or closes it off. Nothing is forced onto the disk record by record: that would cost
milliseconds a call.

``FixedFile``: a place goes to the kernel in one write of its whole size. As long as it lies within
one page of memory (4,096 bytes), a killed process leaves the old or the new content, never a
mixture: a file of many places needs a size that divides a page.

The name of a file that is made is on the disk at once; what is written to it, when ``sync`` or
``disk_sync.DiskSync`` has forced it there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from judgeforge.store.atomic_files import descriptor_of, force, read_error, write_error

_BLOCK = 65_536


class _OpenFile:
    """All methods of durable files raise StoreError where the file fails."""

    def __init__(self, path: Path, flags: int) -> None:
        self.path = path
        self.descriptor = descriptor_of(path, flags)
        """For the kernel's lock on it: see ``flock``."""
        self._opened = os.fstat(self.descriptor)

    def length(self) -> int:
        return os.fstat(self.descriptor).st_size

    def is_in_place(self) -> bool:
        """Whether its path still leads to it: another process may have removed or replaced it."""
        try:
            return os.path.samestat(self.path.stat(), self._opened)
        except OSError:
            return False

    def sync(self) -> None:
        """Return once all of it is on the disk, where no power cut can take it."""
        with self._writing():
            force(self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)

    def _read(self, size: int, offset: int) -> bytes:
        try:
            return os.pread(self.descriptor, size, offset)
        except OSError as error:
            raise read_error(self.path, error) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self.path, error) from error


class AppendedFile(_OpenFile):
    """Written by one process at a time. ``read_only`` changes nothing and needs a file."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        super().__init__(path, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.end = self.length()
        """Bytes of the file, and the offset of the next record."""

    def append(self, record: bytes) -> int:
        """The offset of the record. One that does not fit on the disk leaves nothing behind."""
        try:  # written out: it is done several times for each call
            written = os.write(self.descriptor, record)
            if written != len(record):
                os.ftruncate(self.descriptor, self.end)  # the next must not be glued to half a one
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            raise write_error(self.path, error) from error
        offset, self.end = self.end, self.end + written
        return offset

    def read(self, size: int, offset: int) -> bytes:
        """Fewer than ``size`` bytes at the end of the file."""
        return self._read(size, offset)

    def cut(self, end: int) -> None:
        """Remove everything from byte ``end`` on."""
        with self._writing():
            os.ftruncate(self.descriptor, end)
        self.end = end

    def last_line_end(self) -> int:
        """Where the last whole line ends: less than ``end`` where a kill tore the one after it."""
        stop = self.end
        while stop > 0:
            start = max(0, stop - _BLOCK)
            newline = self._read(stop - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            stop = start
        return 0


class FixedFile(_OpenFile):
    """``size``: bytes of one place."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(path, os.O_RDWR | os.O_CREAT)
        self.size = size

    def count(self) -> int:
        """How many whole places the file has, whichever process wrote them."""
        return self.length() // self.size

    def read(self, place: int = 0) -> bytes:
        """Empty where nothing was written yet."""
        return self._read(self.size, place * self.size)

    def write(self, content: bytes, place: int = 0) -> None:
        """``content`` is filled up with blanks. What does not fit on the disk leaves nothing."""
        offset = place * self.size
        if len(content) > self.size:
            raise ValueError(f"{len(content)} bytes for a place of {self.size}")
        with self._writing():
            written = os.pwrite(self.descriptor, content.ljust(self.size), offset)
            if written != self.size:
                if self.length() == offset + written:  # a new place
                    os.ftruncate(self.descriptor, offset)
                raise OSError(errno.ENOSPC, "the disk is full")

    def cut_torn_place(self) -> None:
        """Remove what a full disk or a kill left of a last place, and places after it all that a
        power cut kept from being filled."""
        with self._writing():
            if torn := self.length() % self.size:
                os.ftruncate(self.descriptor, self.length() - torn)
            while (count := self.count()) and not self.read(count - 1).strip(b"\0"):
                os.ftruncate(self.descriptor, (count - 1) * self.size)
