"""What waits for something shared, and in which order it is served.

``Line``: one request at a time, and each that waits can be sent away with an error of its own.
``Slots``: those over all models, given to the gates that wait for one in turn.
``Rota``: clients of a rate or a bucket; the one that has waited longest is served first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

GivesWay = Callable[[], bool]
"""Whether a request should rather fail at once than wait for a circuit to close."""

_HOLDS_S = 1.0
"""A place among ``Rota`` that is not renewed when its wait is over lapses after this long."""


def never() -> bool:
    """Of a request that waits for the circuit to close (see ``ModelGate.enter``)."""
    return False


class Line:
    """One at a time, in the order of arrival."""

    def __init__(self) -> None:
        self.is_taken = False
        self._waiting: deque[tuple[GivesWay, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> tuple[tuple[GivesWay, asyncio.Future[None]], ...]:
        """An exception in the future of one that has not had its turn sends it away."""
        return tuple(self._waiting)

    async def enter(self, gives_way: GivesWay) -> None:
        """Wait for one's turn. To be followed by ``leave``."""
        if not self.is_taken:
            self.is_taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((gives_way, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if was_served(turn):
                self.leave()
            raise

    def leave(self) -> None:
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.is_taken = False


def was_served(turn: asyncio.Future[Any]) -> bool:
    """Whether the turn had come when the one that waited for it was cancelled."""
    return turn.done() and not turn.cancelled() and turn.exception() is None


class Slots:
    """A gate that finds none free is called when its turn has come, for one request each time."""

    def __init__(self, number: int) -> None:
        self.number = self._free = number
        self._turns: deque[Callable[[], None]] = deque()
        self._firsts = 0
        """How many of the turns go before the others."""
        self._serving = False

    @property
    def taken(self) -> int:
        return self.number - self._free

    def resize(self, number: int) -> None:
        """From now on there are this many; those that are taken stay so."""
        self._free += number - self.number
        self.number = number
        self._serve()

    def take(self) -> bool:
        """Take a free one; others that wait for one go first, unless it is the caller's turn."""
        if self._free <= 0 or (self._turns and not self._serving):
            return False
        self._free -= 1
        return True

    async def take_first(self) -> None:
        """Wait for the next one that is free, before all others that wait for one."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take_one() -> None:
            self._firsts -= 1
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

        self._turns.insert(self._firsts, take_one)
        self._firsts += 1
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if was_served(turn):
                self.give_back()
            raise

    def call_in_turn(self, take_one: Callable[[], None]) -> None:
        if take_one not in self._turns:
            self._turns.append(take_one)

    def give_back(self) -> None:
        self._free += 1
        self._serve()

    def _serve(self) -> None:
        # A gate that cannot use the slot any more leaves it to the next.
        while self._free > 0 and self._turns:
            take_one = self._turns.popleft()
            self._serving = True
            try:
                take_one()
            finally:
                self._serving = False


class Rota:
    """Time is monotonic seconds, given by the caller."""

    def __init__(self) -> None:
        self._waiting: dict[object, float] = {}
        """In order, with the time until which each holds."""

    def wait_s(self, owner: object, wait_s: float, now: float, *, one_s: float) -> float:
        """How long ``owner`` must wait where the thing itself is free in ``wait_s`` seconds.

        The turn of another owner takes ``one_s``.
        """
        for gone in [one for one, until in self._waiting.items() if until < now]:
            del self._waiting[gone]
        if wait_s <= 0 and next(iter(self._waiting), owner) is not owner:
            wait_s = min(one_s, _HOLDS_S)
        if wait_s > 0:
            self._waiting[owner] = now + wait_s + _HOLDS_S
        return wait_s

    def served(self, owner: object) -> None:
        self._waiting.pop(owner, None)
