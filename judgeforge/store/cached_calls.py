"""How many calls the cache answered over the whole life of a folder; a kill loses no count."""

from __future__ import annotations

import os
from pathlib import Path

from judgeforge.errors import StoreError


class CachedCalls:
    """One number in a file, written over in place. Raises StoreError."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            held = os.pread(self._descriptor, 20, 0)
        except OSError as error:
            raise StoreError(f"{file}: cannot be opened: {error}") from error
        self.before = int(held) if held.isdigit() else 0
        """At the start."""
        self.of_this_start = 0

    def keep(self, of_this_start: int) -> None:
        self.of_this_start = of_this_start
        try:
            os.pwrite(self._descriptor, b"%020d" % (self.before + of_this_start), 0)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error

    def close(self) -> None:
        os.close(self._descriptor)
