"""Small counts that a run keeps for the next start of its folder; a kill loses none.

Each is written over in place: what the last prompts cost, and how many calls the cache answered.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path

from judgeforge.store.durable_files import FixedFile

REMEMBERED = 32
_COSTS_SIZE = 1024
"""Bytes: more than the longest content."""
_COUNT_DIGITS = 20


class PromptCosts:
    """Ratios of paid to expected money of the last ``REMEMBERED`` prompts, and the largest
    reservation.

    ``prices`` identifies the prices of this start: a reservation that was made at others says
    nothing. Raises StoreError.
    """

    def __init__(self, file: Path, *, prices: str) -> None:
        self._file, self._prices = FixedFile(file, _COSTS_SIZE), prices
        self.ratios: deque[float] = deque(maxlen=REMEMBERED)
        self.largest_pico = 0
        """The largest single reservation that was made while they were paid."""
        self._take_over(self._file.read())

    def _take_over(self, held: bytes) -> None:
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
        self._file.write(json.dumps([self._prices, self.largest_pico, *ratios]).encode())

    def close(self) -> None:
        self._file.close()


class CachedCalls:
    """How many calls the cache answered over the whole life of a folder. Raises StoreError."""

    def __init__(self, file: Path) -> None:
        self._file = FixedFile(file, _COUNT_DIGITS)
        held = self._file.read()
        self.before = int(held) if held.isdigit() else 0
        """At the start."""
        self.of_this_start = 0

    def keep(self, of_this_start: int) -> None:
        self.of_this_start = of_this_start
        self._file.write(b"%0*d" % (_COUNT_DIGITS, self.before + of_this_start))

    def close(self) -> None:
        self._file.close()
