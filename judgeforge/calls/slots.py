"""The slots over all models, given to those that wait for one in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Slots:
    """A gate that finds none free is called when its turn has come, for one request each time."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._turns: deque[Callable[[], None]] = deque()
        self._serving = False

    def take(self) -> bool:
        """Take a free one; others that wait for one go first, unless it is the caller's turn."""
        if self._free <= 0 or (self._turns and not self._serving):
            return False
        self._free -= 1
        return True

    def call_in_turn(self, take_one: Callable[[], None]) -> None:
        if take_one not in self._turns:
            self._turns.append(take_one)

    def give_back(self) -> None:
        self._free += 1
        # Who cannot use the slot any more leaves it to the next.
        while self._free > 0 and self._turns:
            take_one = self._turns.popleft()
            self._serving = True
            try:
                take_one()
            finally:
                self._serving = False
