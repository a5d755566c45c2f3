"""The second kind of durable file: places of one fixed size, each written over where it stands.

A place goes to the kernel in one write of its whole size. As long as it lies within one page of
memory (4,096 bytes), a killed process leaves the old or the new content, never a mixture: a file of
many places needs a size that divides a page.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from judgeforge.store.files import descriptor_of, read_error, write_error


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
