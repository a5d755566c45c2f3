"""A lock whose waiters can be sent away, each with an error of its own.

The slots over all models, given to those that wait for one in turn.

Who waits for something shared, in order: the one that has waited longest is served first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

GivesWay = Callable[[], bool]
"""Whether a request should rather fail at once than wait for a circuit to close."""


def never() -> bool:
    """Of a request that waits for the circuit to close (see ``ModelGate.enter``)."""
    return False


class Line:
    """One at a time, in the order of arrival."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[tuple[GivesWay, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> list[tuple[GivesWay, asyncio.Future[None]]]:
        """Those that have not had their turn; an exception in its future sends one away."""
        return [(gives_way, turn) for gives_way, turn in self._waiting if not turn.done()]

    async def enter(self, gives_way: GivesWay) -> None:
        """Wait for one's turn. To be followed by ``leave``."""
        if not self._is_taken:
            self._is_taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((gives_way, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        while self._waiting:
            _, turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._is_taken = False


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


_HOLDS_S = 1.0
"""A claim that is not renewed when its wait is over lapses after so long."""


class Turns:
    """Time is monotonic seconds, given by the caller."""

    def __init__(self) -> None:
        self._claims: dict[object, float] = {}
        """In order, with the time until which each holds."""

    def wait_s(self, owner: object, wait_s: float, now: float, *, one_s: float) -> float:
        """How long ``owner`` must wait where the thing itself is free in ``wait_s`` seconds.

        Somebody else's turn takes ``one_s``.
        """
        for gone in [one for one, until in self._claims.items() if until < now]:
            del self._claims[gone]
        if wait_s <= 0 and next(iter(self._claims), owner) is not owner:
            wait_s = min(one_s, _HOLDS_S)
        if wait_s > 0:
            self._claims[owner] = now + wait_s + _HOLDS_S
        return wait_s

    def served(self, owner: object) -> None:
        self._claims.pop(owner, None)
