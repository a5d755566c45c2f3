"""One budget a day for many runs and processes at once: a small file under flock.

The file is text of fixed-width lines, a header and then one line a day: what was settled, what is
open (reserved and in flight, or lost with a killed process), how many calls, a checksum. A line is
changed in place by one system call within one page, so that a kill leaves the old or the new line
and the file grows by one line a day. Reserving writes before the call is sent, as in a run
folder's own spending file.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from judgeforge.errors import ConfigError, StoreError
from judgeforge.store.atomic_files import make_folder
from judgeforge.store.durable_files import FixedFile
from judgeforge.store.lock import NoFlockError, check_flock_works, try_flock, unlock

LEDGER_VERSION = 1
LINE = 128
"""Divides a page of memory, so that no line crosses from one into the next."""
_MAGIC = "judgeforge-ledger"
_TRIES = 50
"""Each takes a microsecond or two; the process that has the lock returns it after some ten."""
_LOCK_WAIT_S = 2.0


class LedgerBusyError(Exception):
    """Another process has the lock just now."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """Picodollars and calls of one day, over all runs."""

    settled: int = 0
    open: int = 0
    calls: int = 0

    @property
    def committed(self) -> int:
        return self.settled + self.open

    def plus(self, change: DayTotal) -> DayTotal:
        return DayTotal(
            self.settled + change.settled, self.open + change.open, self.calls + change.calls
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """Money of one day that a call in flight may cost."""

    day: str
    pico: int


class Ledger:
    """Raises StoreError when the file cannot be trusted or written: then nothing may be sent.

    ``daily_pico``: the limit of a day (None: it only counts). ``timezone`` says when a day begins.
    """

    def __init__(
        self,
        file: Path,
        *,
        daily_pico: int | None,
        timezone: str = "UTC",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.file, self.daily_pico, self.timezone = file, daily_pico, timezone
        self._zone, self._now = ZoneInfo(timezone), now
        self._place_of: dict[str, int] = {}
        """Of each day, its line; the header has line 0."""
        self._late: list[tuple[str, DayTotal]] = []
        try:
            make_folder(file.parent)
            self._lines = FixedFile(file, LINE)
        except StoreError as error:
            advice = "Set `budget.ledger` to a file that all runs of the day can write."
            raise StoreError(f"{error}. {advice}") from error
        try:
            self._begin()
        except BaseException:
            self._lines.close()
            raise

    def today(self) -> str:
        return datetime.fromtimestamp(self._now(), self._zone).date().isoformat()

    def total(self, day: str) -> DayTotal:
        """Raises LedgerBusyError where the lock is not free at once."""
        with self._locked():
            return self._read(day)

    def take(self, pico: int, *, calls: int = 1) -> Hold | None:
        """Reserve for ``calls`` that are sent now; None where the day has no room for them.

        Raises LedgerBusyError where the lock is not free at once.
        """
        day = self.today()
        with self._locked():
            self._write_late()
            total = self._read(day)
            if self.daily_pico is not None and total.committed + pico > self.daily_pico:
                return None
            self._apply(day, DayTotal(0, pico, calls))
        return Hold(day, pico)

    def settle(self, hold: Hold, cost: int) -> None:
        """The call cost ``cost`` and counts on the day on which it was reserved."""
        self._give(hold.day, DayTotal(cost, -hold.pico, 0))

    def release(self, hold: Hold) -> None:
        """The call cannot have been billed."""
        self._give(hold.day, DayTotal(0, -hold.pico, -1))

    def flush(self) -> bool:
        """Write what could not be written while others had the lock; False where they still do."""
        if self._late:
            with suppress(LedgerBusyError), self._locked():
                self._write_late()
        return not self._late

    def close(self) -> None:
        end = time.monotonic() + _LOCK_WAIT_S
        while not self.flush() and time.monotonic() < end:
            time.sleep(0.005)
        self._lines.close()

    def _give(self, day: str, change: DayTotal) -> None:
        # Until it is written the call counts at the most it can cost, so waiting is safe.
        self._late.append((day, change))
        self.flush()

    def _write_late(self) -> None:
        while self._late:
            self._apply(*self._late[0])
            self._late.pop(0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        for _ in range(_TRIES):
            if try_flock(self._lines):
                break
        else:
            raise LedgerBusyError
        try:
            self._check_same_file()
            self._find_days()
            yield
        finally:
            unlock(self._lines)

    def _check_same_file(self) -> None:
        """A ledger that was removed or replaced would be a second budget for the same day."""
        if not self._lines.is_in_place():
            raise StoreError(
                f"{self.file}: the ledger was removed or replaced while runs were using it. "
                "Start the same command again once it is back."
            )

    def _begin(self) -> None:
        try:
            self._wait_for_lock()
            check_flock_works(self._lines)
        except NoFlockError as error:
            raise StoreError(
                f"{error}. Without it a budget for many runs cannot hold: put `budget.ledger` on a "
                "local file system."
            ) from error
        try:
            if not self._lines.read():
                head = f"{_MAGIC} {LEDGER_VERSION} {self.timezone} day settled open calls (pico$)"
                self._put(0, head)
            self._check_header()
            self._lines.cut_torn_place()  # nothing was sent on a day whose line is cut off
            self._find_days()
        finally:
            unlock(self._lines)

    def _wait_for_lock(self) -> None:
        end = time.monotonic() + _LOCK_WAIT_S
        while not try_flock(self._lines):
            if time.monotonic() > end:
                raise StoreError(f"{self.file}: another process does not release its lock.")
            time.sleep(0.005)

    def _check_header(self) -> None:
        words = self._lines.read().decode(errors="replace").split()
        if len(words) < 3 or words[0] != _MAGIC or not words[1].isdigit():
            raise StoreError(f"{self.file}: this is not a ledger of judgeforge; name another file.")
        if int(words[1]) > LEDGER_VERSION:
            raise StoreError(
                f"{self.file}: written by a newer judgeforge (format {words[1]}, this one knows "
                f"{LEDGER_VERSION}). Upgrade judgeforge."
            )
        if words[2] != self.timezone:
            raise ConfigError(
                f"{self.file} counts days in {words[2]}, but budget.timezone is {self.timezone}. "
                "All runs that share a ledger need the same time zone."
            )

    def _find_days(self) -> None:
        """Days that other processes added since the last look."""
        for place in range(1 + len(self._place_of), self._lines.count()):
            day, _ = self._parse(place)
            self._place_of[day] = place

    def _read(self, day: str) -> DayTotal:
        place = self._place_of.get(day)
        return DayTotal() if place is None else self._parse(place)[1]

    def _parse(self, place: int) -> tuple[str, DayTotal]:
        line = self._lines.read(place).decode(errors="replace")
        content, _, checksum = line.strip().rpartition(" ")
        if checksum != _checksum(content):
            raise StoreError(
                f"{self.file}:{place + 1}: the line is damaged. What was spent on that "
                "day cannot be known, so nothing is sent; fix or remove the ledger by hand."
            )
        day, settled, held, calls = content.split()
        return day, DayTotal(int(settled), int(held), int(calls))

    def _apply(self, day: str, change: DayTotal) -> None:
        total = self._read(day).plus(change)
        content = f"{day} {total.settled:>20d} {total.open:>20d} {total.calls:>12d}"
        place = self._place_of.get(day, 1 + len(self._place_of))
        self._put(place, f"{content} {_checksum(content)}")
        self._place_of[day] = place

    def _put(self, place: int, text: str) -> None:
        self._lines.write(text.ljust(LINE - 1).encode() + b"\n", place)


def _checksum(content: str) -> str:
    return f"{zlib.crc32(content.encode()):08x}"
