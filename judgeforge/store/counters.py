"""What the last prompts of a folder cost, kept for its next start; a kill loses none.

How many calls the cache answered over the whole life of a folder; a kill loses no count.
"""

from __future__ import annotations

import json
import os
from collections import deque
from pathlib import Path

from judgeforge.errors import StoreError

REMEMBERED = 32
_SIZE = 1024
"""Bytes of the file: more than the longest content, so that one write covers the one before."""


class PromptCosts:
    """Ratios of paid to expected money, and the largest reservation, in a file that is written over
    in place. ``prices`` identifies the prices of this start: a reservation that was made at others
    says nothing. Raises StoreError."""

    def __init__(self, file: Path, *, prices: str) -> None:
        self._file, self._prices = file, prices
        try:
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            held = os.pread(self._descriptor, _SIZE, 0)
        except OSError as error:
            raise StoreError(f"{file}: cannot be opened: {error}") from error
        self.ratios: deque[float] = deque(maxlen=REMEMBERED)
        self.largest_pico = 0
        """The largest single reservation that was made while they were paid."""
        self._read(held)

    def _read(self, held: bytes) -> None:
        try:
            prices, largest_pico, *ratios = json.loads(held) if held else ("", 0)
            self.largest_pico = int(largest_pico) if prices == self._prices else 0
            self.ratios.extend(map(float, ratios))
        except (ValueError, TypeError, OverflowError):
            # Without it a start knows as much as the first one did; nothing paid hangs on it.
            self.largest_pico = 0
            self.ratios.clear()

    def add(self, ratio: float, *, largest_pico: int) -> None:
        """Keep what one more prompt cost."""
        self.ratios.append(ratio)
        self.largest_pico = max(self.largest_pico, largest_pico)
        ratios = (round(one, 6) for one in self.ratios)
        content = json.dumps([self._prices, self.largest_pico, *ratios])
        try:
            os.pwrite(self._descriptor, content.encode().ljust(_SIZE), 0)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error

    def close(self) -> None:
        os.close(self._descriptor)


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
