"""The budget: what was spent, what may still be billed, and what may still be sent.

A reservation is written to the spending file before its request is sent. After a kill the calls
that were in flight therefore count as spent at the most they can cost, so that over all restarts
of a run folder no more than the limit is ever billed (at the configured prices). A ledger holds
the same promise for a day and many runs at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path

from judgeforge.calls.money.claims import Room, current_claim
from judgeforge.calls.money.ledger import DayTotal, Hold, Ledger, LedgerBusyError
from judgeforge.errors import BudgetExhaustedError, StoreError
from judgeforge.store.spending import (
    RELEASED,
    RESERVED,
    SETTLED,
    Spending,
    SpendingFile,
    read_account,
    to_pico,
    to_usd,
)

OF_DAY = "budget.daily_usd"
LEDGER_WAIT_S = 10.0
"""How long a call waits for the ledger's lock, and for other runs to settle what they hold, with
nothing changing meanwhile."""
_LEDGER_POLL_S = 0.05
_BUSY_PAUSE_S = 0.001
Announce = Callable[[int, str | None], None]
_RESUME = "start the same command again: nothing that was paid is lost."


@dataclass(frozen=True, slots=True)
class Reservation:
    id: int
    pico: int | None
    """None where the price of the model is unknown."""
    hold: Hold | None = None
    """What the ledger keeps for it."""


class Budget:
    """One run folder's money and calls over its whole life, and its part of a day's.

    Raises StoreError when the spending file or the ledger cannot be written: then nothing may be
    sent. ``check_lock`` raises it too, where another run may be spending as well.
    """

    def __init__(
        self,
        file: Path,
        *,
        usd: float | None = None,
        max_calls: int | None = None,
        ledger: Ledger | None = None,
        check_lock: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = None if usd is None else to_pico(usd)
        self._max_calls = max_calls
        self._ledger, self._check_lock = ledger, check_lock
        self._account = read_account(file)
        self._file = SpendingFile(file)
        self._in_flight: dict[int, int] = {}
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()
        self._day_known = self._day_seen = DayTotal()
        self._day_changed_at = time.monotonic()
        self.largest_pico = 0
        """The largest single reservation of this start."""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def reserved_pico(self) -> int:
        """The most that the calls in flight here may still cost; a part of ``committed_pico``."""
        return sum(self._in_flight.values())

    @property
    def committed_pico(self) -> int:
        """Everything of this folder that has been or may still be billed."""
        return self._account.committed_pico

    @property
    def calls(self) -> int:
        return self._account.calls

    @property
    def sent(self) -> int:
        """How many calls of this folder were ever reserved."""
        return self._account.next_id

    @property
    def limited(self) -> bool:
        daily = None if self._ledger is None else self._ledger.daily_pico
        return not (self._limit is self._max_calls is daily is None)

    def today(self) -> str | None:
        return None if self._ledger is None else self._ledger.today()

    def spending(self) -> Spending:
        return self._account.spending()

    def check_whole(self, *, sent: int, paid: int) -> int | None:
        """Where other files know of more calls that were sent or paid, rows are lost: returns how
        many of the paid ones are missing, or raises StoreError where a limit would count anew."""
        # What counted as paid may be released since: a batch of a killed start was not created.
        if sent <= self.sent and paid <= self.calls + self._account.released:
            return None
        if self.limited:
            raise StoreError(
                f"{self._file.path}: has {self.calls} paid calls and {self.sent} that were sent, "
                f"but log.jsonl or the journal shows {sent} that were sent, and manifest.json "
                f"{paid} that were paid. Rows are missing, so what was spent cannot be known and "
                "nothing is sent. Bring the file back from a copy, or use a new run folder: "
                "replies that were paid come from the cache."
            )
        return max(0, paid - self.calls)

    def room(self) -> Room:
        """What is left when calls in flight here are not counted: they belong to prompts under way.
        Of the day, everything that other runs hold is counted."""
        flying = sum(self._in_flight.values())
        left, limit = None, "budget.usd"
        if self._limit is not None:
            left = self._limit - self.committed_pico + flying
        if self._ledger is not None and self._ledger.daily_pico is not None:
            day_left = self._ledger.daily_pico - self._day_total().committed + flying
            if left is None or day_left < left:
                left, limit = day_left, OF_DAY
        calls = None
        if self._max_calls is not None:
            calls = self._max_calls - self.calls + len(self._in_flight)
        return Room(left, calls, limit)

    def has_room(self, pico: int, calls: int) -> bool:
        """Whether this much fits beside all that was booked, including what is in flight."""
        return self.room().holds(pico + self.reserved_pico, calls + self.in_flight)

    async def wait_for_others(self, pico: int) -> bool:
        """Give other runs of the day time to settle; False where that cannot make room."""
        ledger, total = self._ledger, self._day_total()
        can_help = total.open > 0 and self.room().limit == OF_DAY
        if ledger is None or not can_help or not self._others_may_settle(ledger, pico, total):
            return False
        await self._change(_LEDGER_POLL_S)
        return True

    async def reserve(self, pico: int | None) -> Reservation:
        """Book the most that a call can cost; wait while only calls in flight are in the way.
        Raises BudgetExhaustedError when it does not fit with nothing in flight."""
        claim, most = current_claim(), pico or 0
        if claim is not None and claim.refusal is not None:
            raise claim.refusal
        while True:
            while (refusal := self._refusal(most)) is not None:
                if not self._in_flight:
                    raise BudgetExhaustedError(refusal)
                await self._change()
            if self._ledger is None:
                return self._book(pico, None)
            async with self._turn:  # one looks at the ledger for all, in the order of arrival
                hold = await self._take(self._ledger, most)
            if self._refusal(most) is None:
                return self._book(pico, hold)
            self._ledger.release(hold)

    async def wait_for_room(self, pico: int | None) -> None:
        """Until a call that may cost this much fits. Raises as ``reserve`` does."""
        self.release(await self.reserve(pico))

    def how_many_fit(self, picos: Sequence[int | None]) -> int:
        """Of the first of these calls, all at once, beside everything that is booked."""
        room, flying, calls = self.room(), self.reserved_pico, self.in_flight
        sums = accumulate(pico or 0 for pico in picos)
        fits = (room.holds(pico + flying, n + calls) for n, pico in enumerate(sums, 1))
        return sum(takewhile(bool, fits))

    def reserve_batch(
        self, picos: Sequence[int | None], announce: Announce, *, forced: bool = True
    ) -> list[Reservation] | None:
        """Book calls that are sent together; None where the day has no room for them just now.

        ``announce`` is told the number of the first reservation, the others follow it, and the day
        on which the ledger holds them. It comes before they are booked: what it writes down tells
        the next start which reservations are of a batch that was never created.
        """
        hold, total = None, sum(pico or 0 for pico in picos)
        if self._ledger is not None:
            with suppress(LedgerBusyError):
                hold = self._ledger.take(total, calls=len(picos))
            if hold is None:
                return None
        day, first = None if hold is None else hold.day, self._account.next_id
        try:
            self._check_lock()
            announce(first, day)
            rows = [[RESERVED, first + n, pico] for n, pico in enumerate(picos)]
            self._file.append_all(rows, forced=forced)
        except StoreError:
            for pico in picos:
                self._give_back(hold and Hold(hold.day, pico or 0))
            raise
        for row in rows:
            self._account.add(row)
        self.largest_pico = max(self.largest_pico, *(pico or 0 for pico in picos))
        return [one for n in range(len(picos)) if (one := self.adopt(first + n, day))]

    def adopt(self, number: int, day: str | None) -> Reservation | None:
        """A reservation of an earlier start, or of a batch, counts as in flight again; None where
        it is closed, or was never booked. ``day``: that of its hold in the ledger."""
        try:
            pico = self._account.open_pico(number)
        except KeyError:
            return None
        held = day is not None and self._ledger is not None
        hold = Hold(day or "", pico or 0) if held else None
        self._in_flight[number] = pico or 0
        return Reservation(number, pico, hold)

    def _give_back(self, hold: Hold | None) -> None:
        if hold is not None and self._ledger is not None:
            self._ledger.release(hold)

    def settle(
        self, reservation: Reservation, pico: int | None, *, tokens: tuple[int, int] = (0, 0)
    ) -> None:
        """Replace a reservation by what the call cost."""
        self._append([SETTLED, reservation.id, pico, *tokens])
        if reservation.hold is not None and self._ledger is not None:
            self._ledger.settle(reservation.hold, pico or 0)
        if (claim := current_claim()) is not None:
            claim.paid(pico)
        self._ended(reservation)

    def release(self, reservation: Reservation) -> None:
        """Take a reservation back: the provider cannot have billed anything."""
        self._append([RELEASED, reservation.id])
        self._give_back(reservation.hold)
        self._ended(reservation)

    def close(self) -> None:
        """The ledger stays open: other budgets may use it."""
        self._file.close()

    def _book(self, pico: int | None, hold: Hold | None) -> Reservation:
        reservation = Reservation(self._account.next_id, pico, hold)
        try:
            self._check_lock()
            self._append([RESERVED, reservation.id, pico])
        except StoreError:
            self._give_back(hold)
            raise
        self._in_flight[reservation.id] = pico or 0
        self.largest_pico = max(self.largest_pico, pico or 0)
        return reservation

    async def _take(self, ledger: Ledger, pico: int) -> Hold:
        """Wait for room in the day while calls in flight, here or elsewhere, may still give some.

        Raises BudgetExhaustedError where none can come.
        """
        busy_until = time.monotonic() + LEDGER_WAIT_S
        while True:
            try:
                hold = ledger.take(pico)
            except LedgerBusyError:
                if time.monotonic() > busy_until:
                    raise StoreError(
                        f"{ledger.file}: another process has not released its lock for "
                        f"{LEDGER_WAIT_S:g} s (is it stopped?). Start the same command again."
                    ) from None
                await asyncio.sleep(_BUSY_PAUSE_S)
                continue
            if hold is not None:
                return hold
            total = self._day_total()
            if not self._in_flight and not self._others_may_settle(ledger, pico, total):
                raise BudgetExhaustedError(_day_refusal(ledger, pico, total), of_day=True)
            await self._change(_LEDGER_POLL_S)
            busy_until = time.monotonic() + LEDGER_WAIT_S

    def _others_may_settle(self, ledger: Ledger, pico: int, total: DayTotal) -> bool:
        """Whether the day has room for it once other runs are done, and they still move."""
        if total != self._day_seen:
            self._day_seen, self._day_changed_at = total, time.monotonic()
        if total.settled + pico > (ledger.daily_pico or 0):
            return False
        return time.monotonic() < self._day_changed_at + LEDGER_WAIT_S

    async def _change(self, timeout_s: float | None = None) -> None:
        """Wait for a settlement of this process."""
        self._changed.clear()
        # Not `wait_for`: in Python 3.11 it loses a cancellation that comes with the settlement.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        if self._ledger is not None:
            self._ledger.flush()

    def _day_total(self) -> DayTotal:
        """The last known one where another process is writing just now."""
        if self._ledger is not None:
            with suppress(LedgerBusyError):
                self._day_known = self._ledger.total(self._ledger.today())
        return self._day_known

    def _refusal(self, pico: int) -> str | None:
        """None where a call that may cost this much fits."""
        if self._max_calls is not None and self.calls + 1 > self._max_calls:
            return (
                f"budget.max_calls is used up ({self.calls} of {self._max_calls} calls). "
                f"Raise it and {_RESUME}"
            )
        if self._limit is None or self.committed_pico + pico <= self._limit:
            return None
        return (
            f"the next call may cost up to ${to_usd(pico):.6f}, and "
            f"${to_usd(self.committed_pico):.6f} of budget.usd ${to_usd(self._limit):.6f} is "
            f"spent. Raise it and {_RESUME}"
        )

    def _append(self, row: list[object]) -> None:
        self._file.append(row)
        self._account.add(row)

    def _ended(self, reservation: Reservation) -> None:
        self._in_flight.pop(reservation.id, None)
        self._changed.set()


def _day_refusal(ledger: Ledger, pico: int, total: DayTotal) -> str:
    spent = to_usd(total.committed)
    return (
        f"the next call may cost up to ${to_usd(pico):.6f}, and ${spent:.6f} of budget.daily_usd "
        f"${to_usd(ledger.daily_pico or 0):.6f} is spent or held on {ledger.today()} "
        f"({ledger.timezone}) by all runs that share {ledger.file}. Tomorrow, or with a higher "
        f"limit, {_RESUME}"
    )
