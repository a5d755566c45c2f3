"""The money of one worker: reservations that the coordinator has booked for it ahead of its calls.

A call takes one that is large enough, notes its number, and leaves; nothing waits for a round trip
as long as there are some. The notes tell which of a killed worker's reservations were for calls
that were sent, so that the others cost nothing.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judgeforge.calls.limits.queues import was_served
from judgeforge.calls.money.budget import Reservation
from judgeforge.calls.money.claims import Room, current_claim
from judgeforge.errors import JudgeforgeError, StoreError
from judgeforge.runs.cluster.messages import Granted, Want
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.lock import NoFlockError, try_flock
from judgeforge.store.spending import RELEASED, SETTLED

FEWEST_AHEAD, MOST_AHEAD = 2, 32
"""Reservations of one size that a worker holds ahead of its calls: doubled whenever one had to be
waited for."""
_BITS = 4
"""Sizes are rounded up to this many binary digits, by an eighth at most: calls of nearly the same
size share reservations."""


def size_of(pico: int | None) -> int | None:
    """The size of a reservation for a call that may cost ``pico``."""
    if pico is None:
        return None
    shift = max(0, pico.bit_length() - _BITS)
    return -(-pico >> shift) << shift


class UsedNumbers:
    """Written before a call leaves; ``file`` None keeps no notes, and all count as used."""

    def __init__(self, file: Path | None) -> None:
        """The lock on ``file`` says that the worker lives. Raises StoreError."""
        self._file = None if file is None else AppendedFile(file)
        if self._file is not None:
            with suppress(NoFlockError):  # as the user has accepted for the folder
                try_flock(self._file)

    def add(self, number: int) -> None:
        """Raises StoreError."""
        if self._file is not None:
            self._file.append(b"%d\n" % number)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@dataclass(slots=True)
class _Size:
    free: list[int] = field(default_factory=list)
    asked: int = 0
    ahead: int = FEWEST_AHEAD


@dataclass(slots=True)
class _Waiting:
    size: int | None
    served: asyncio.Future[int]


class LeasedMoney:
    """Implements ``KeepsMoney``. ``want`` asks the coordinator for more, ``close_row`` tells it how
    a reservation ended."""

    def __init__(
        self,
        used: UsedNumbers,
        *,
        want: Callable[[Want], None],
        close_row: Callable[[list[Any]], None],
        leave_if_cut_off: Callable[[], None] = lambda: None,
    ) -> None:
        """``leave_if_cut_off`` ends the process where the coordinator may have given up this
        worker, and its prompts to others: nothing more may be sent then."""
        self._used, self._want, self._close_row = used, want, close_row
        self._leave_if_cut_off = leave_if_cut_off
        self._sizes: defaultdict[int | None, _Size] = defaultdict(_Size)
        self._known: list[int] = []
        """Sizes with a price, in order."""
        self._waiting: deque[_Waiting] = deque()
        self._room = Room(0, 0, "")
        self._failure: JudgeforgeError | None = None

    async def reserve(self, pico: int | None) -> Reservation:
        """Raises BudgetExhaustedError and StoreError."""
        claim = current_claim()
        if claim is not None and claim.refusal is not None:
            raise claim.refusal
        if self._failure is not None:
            raise self._failure
        size = size_of(pico)
        number = self._take(size)
        if number is None:
            number = await self._wait_for_one(size)
        self._ask_ahead(size)
        self._leave_if_cut_off()
        self._used.add(number)
        return Reservation(number, pico)

    def settle(
        self, reservation: Reservation, pico: int | None, *, tokens: tuple[int, int] = (0, 0)
    ) -> None:
        self._close_row([SETTLED, reservation.id, pico, *tokens])
        if (claim := current_claim()) is not None:
            claim.paid(pico)

    def release(self, reservation: Reservation) -> None:
        self._close_row([RELEASED, reservation.id])

    def has_room(self, pico: int, calls: int) -> bool:
        """As far as the coordinator has told."""
        return self._room.holds(pico, calls)

    def granted(self, grant: Granted) -> None:
        size = self._sizes[grant.pico]
        size.asked -= len(grant.numbers)
        size.free += grant.numbers
        self._room = Room(*grant.room, "")
        self._serve()

    def refused(self, pico: int | None, error: JudgeforgeError) -> None:
        """There is no money for calls of that size."""
        self._sizes[pico].asked = 0
        kept: deque[_Waiting] = deque()
        for one in self._waiting:
            if one.served.done():
                continue
            if one.size == pico:
                one.served.set_exception(error)
            else:
                kept.append(one)
        self._waiting = kept

    def give_back(self) -> None:
        """Return what is not used, and hold little from now on."""
        for size in self._sizes.values():
            size.ahead = 0
            for number in size.free:
                self._close_row([RELEASED, number])
            size.free.clear()

    def fail(self, error: StoreError) -> None:
        """Nothing can be booked any more."""
        self._failure = error
        for one in self._waiting:
            if not one.served.done():
                one.served.set_exception(error)
        self._waiting.clear()

    def _take(self, size: int | None) -> int | None:
        own = self._sizes[size]
        if size is not None and size not in self._known:
            insort(self._known, size)
        if own.free:
            return own.free.pop()
        if size is not None:
            for larger in self._known:
                if larger > size and self._sizes[larger].free:
                    return self._sizes[larger].free.pop()
        return None

    async def _wait_for_one(self, size: int | None) -> int:
        own = self._sizes[size]
        own.ahead = min(MOST_AHEAD, max(FEWEST_AHEAD, 2 * own.ahead))
        one = _Waiting(size, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        self._ask_ahead(size)
        try:
            return await one.served
        except asyncio.CancelledError:
            if was_served(one.served):
                own.free.append(one.served.result())
            raise

    def _ask_ahead(self, size: int | None) -> None:
        own = self._sizes[size]
        waiting = sum(one.size == size and not one.served.done() for one in self._waiting)
        lacking = waiting + own.ahead - len(own.free) - own.asked
        if lacking > 0 and (waiting > own.asked or 2 * lacking >= own.ahead):
            own.asked += lacking
            self._want(Want(size, lacking))

    def _serve(self) -> None:
        kept: deque[_Waiting] = deque()
        for one in self._waiting:
            if one.served.done():
                continue
            number = self._take(one.size)
            if number is None:
                kept.append(one)
            else:
                one.served.set_result(number)
        self._waiting = kept
