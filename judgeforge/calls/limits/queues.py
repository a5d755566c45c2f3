"""What waits for something shared, and in which order it is served.

``Line``: one request at a time, and each that waits can be sent away with an error of its own.
``Slots``: those over all models, given to the gates that wait for one in turn.
``Turns``: clients of a rate or a bucket; the one that has waited longest is served first.
``ConcurrencyLimit``: how many requests of one model may be in flight, found while running:
doubling, then additive increase, multiplicative decrease (Chiu and Jain, 1989; slow start as in
RFC 5681).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

GivesWay = Callable[[], bool]
"""Whether a request should rather fail at once than wait for a circuit to close."""

_HOLDS_S = 1.0
"""A place among ``Turns`` that is not renewed when its wait is over lapses after this long."""


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
        # A gate that cannot use the slot any more leaves it to the next.
        while self._free > 0 and self._turns:
            take_one = self._turns.popleft()
            self._serving = True
            try:
                take_one()
            finally:
                self._serving = False


class Turns:
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


FIRST_LIMIT = 16
"""Doubled in each round trip: more at once would meet an unknown limit with many refusals."""
DECREASE = 0.7
SLOWER_DECREASE = 0.9
SLOW = 2.0
"""Latency counts as rising when the recent one is this many times the usual one."""
_RECENT, _USUAL = 0.2, 0.01
"""Weights of a new latency in the two moving means."""
_LEAST_SAMPLES = 30
_FEWEST_ENDS, _MOST_ENDS = 100, 400
"""How many are remembered: a round trip, within these bounds."""
_SCATTERED_SHARE = 0.05
"""Up to this share of the last ends, overloads are accidents of a server that is not overloaded."""


class ConcurrencyLimit:
    """From 1 to ``maximum``. Time is monotonic seconds, given by the caller."""

    def __init__(self, maximum: int) -> None:
        self._maximum = float(maximum)
        self._limit = float(min(maximum, FIRST_LIMIT))
        self._doubling = True
        self._cut_at = self._held_at = -1.0
        self._recent_s = self._usual_s = 0.0
        self._samples = 0
        self._ends: deque[bool] = deque(maxlen=min(max(maximum, _FEWEST_ENDS), _MOST_ENDS))
        """Whether each of the last was an overload."""

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def latency_s(self) -> float:
        """The usual one; 0 before the first reply."""
        return self._usual_s

    def held_back(self, now: float) -> None:
        """A request waits because too many are in flight."""
        self._held_at = now

    def succeeded(self, *, sent_at: float, now: float, in_flight: int) -> bool:
        """Returns whether the limit grew to another whole number.

        It grows only while in use: it was reached since this request was sent. Many replies come
        at once, so that fewer than the limit are in flight when the later ones are told.
        """
        self._ends.append(False)
        before = self.limit
        if self._is_slower(now - sent_at) and sent_at > self._cut_at:
            self._decrease(now, in_flight, SLOWER_DECREASE)
        elif in_flight >= before or self._held_at >= sent_at:
            step = 1.0 if self._doubling else 1.0 / self._limit
            self._limit = min(self._maximum, self._limit + step)
        return self.limit > before

    def refused(self, *, sent_at: float, now: float, in_flight: int) -> None:
        """A round trip of such replies counts once."""
        if sent_at > self._cut_at:
            self._decrease(now, in_flight, DECREASE)

    def overloaded(self, *, sent_at: float, now: float, in_flight: int) -> bool:
        """Overloaded or timed out. Returns whether it is more than an accident now and then."""
        self._ends.append(True)
        if sum(self._ends) <= max(2.0, _SCATTERED_SHARE * len(self._ends)):
            return False
        self.refused(sent_at=sent_at, now=now, in_flight=in_flight)
        return True

    def _decrease(self, now: float, in_flight: int, factor: float) -> None:
        self._doubling = False
        self._cut_at = now
        used = min(self._limit, max(float(in_flight), self._limit * 0.5))
        self._limit = max(1.0, used * factor)

    def _is_slower(self, latency_s: float) -> bool:
        self._samples += 1
        if self._samples == 1:
            self._recent_s = self._usual_s = latency_s
            return False
        self._recent_s += _RECENT * (latency_s - self._recent_s)
        weight = max(_USUAL, 1.0 / self._samples)
        self._usual_s += weight * (latency_s - self._usual_s)
        return self._samples >= _LEAST_SAMPLES and self._recent_s > SLOW * self._usual_s
