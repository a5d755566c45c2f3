"""The reservations that workers hold: booked before they are handed out, and never lost.

Each is an ordinary row of the spending file, so that a lease counts as spent at the most from the
moment when it is granted. A file beside it says which rows were granted to whom. When a worker is
gone, those of its rows that no call has used are taken back, as far as its notes can be read; what
was under way counts at the most that it can cost, as after any kill.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from judgeforge.calls.money.budget import Budget, Reservation
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.folder import RunFolder
from judgeforge.store.leases import noted_leases, used_numbers
from judgeforge.store.lock import is_held
from judgeforge.store.spending import SETTLED

if TYPE_CHECKING:
    from judgeforge.runs.cluster.messages import Granted

_FEWEST_LEFT = 4
"""A grant takes at most this part of the room that is left, so that one worker does not hold what
others need."""


class Leases:
    """Of one start. ``recall`` asks all workers to return what they do not use."""

    def __init__(self, budget: Budget, folder: RunFolder) -> None:
        self._budget, self._folder = budget, folder
        self._file = AppendedFile(folder.leases_file)
        self._held: defaultdict[str, dict[int, Reservation]] = defaultdict(dict)
        self._day = budget.today()

    def held(self, worker: str) -> int:
        return len(self._held[worker])

    def are_wanted_back(self) -> bool:
        """Whether workers are to return what they do not use: beside it there is no room for the
        calls of this process, or a new day has begun, which must count what is sent in it."""
        before, self._day = self._day, self._budget.today()
        if before != self._day:
            return True
        budget = self._budget
        return budget.limited and not budget.has_room(budget.largest_pico, 1)

    def try_grant(self, worker: str, pico: int | None, count: int) -> Granted | None:
        """At most ``count`` reservations; None where not one fits just now. Raises StoreError."""
        room = self._budget.room()
        if room.pico is not None and pico:
            free = room.pico - self._budget.reserved_pico
            count = min(count, max(1, free // (pico * _FEWEST_LEFT)))
        fits = self._budget.how_many_fit([pico] * count)
        if not fits:
            return None

        def announce(first: int, day: str | None) -> None:
            self._note(worker, first, fits, day)

        made = self._budget.reserve_batch([pico] * fits, announce, forced=False)
        return None if not made else self._granted(worker, pico, made)

    async def grant_one(self, worker: str, pico: int | None) -> Granted:
        """Wait as any call does. Raises BudgetExhaustedError and StoreError."""
        one = await self._budget.reserve(pico)
        self._note(worker, one.id, 1, None if one.hold is None else one.hold.day)
        return self._granted(worker, pico, [one])

    def close(self, worker: str, row: Sequence[Any]) -> None:
        """What a worker tells of one of its reservations: a row of the spending file."""
        kind, number, *more = row
        reservation = self._held[worker].pop(number, None)
        if reservation is None:
            return
        if kind == SETTLED:
            pico, *tokens = more
            self._budget.settle(reservation, pico, tokens=(tokens[0], tokens[1]))
        else:
            self._budget.release(reservation)

    def lost(self, worker: str) -> int:
        """The worker is gone: returns how many of its reservations count as spent from now on."""
        held = self._held.pop(worker, {})
        if not held:
            return 0
        used = used_numbers(self._folder.used_numbers_file(worker), held)
        for number, reservation in held.items():
            if number not in used:
                self._budget.release(reservation)
            else:
                self._budget.settle(reservation, reservation.pico)
        return len(used)

    def end(self) -> None:
        """No worker is left. Raises StoreError."""
        for worker in list(self._held):
            self.lost(worker)
        self._file.close()
        for file in self._folder.all_used_numbers():
            file.unlink(missing_ok=True)
        self._folder.leases_file.unlink(missing_ok=True)

    def _note(self, worker: str, first: int, count: int, day: str | None) -> None:
        row = {"worker": worker, "first": first, "count": count, "day": day}
        self._file.append(json.dumps(row).encode() + b"\n")

    def _granted(self, worker: str, pico: int | None, made: Sequence[Reservation]) -> Granted:
        self._held[worker] |= {one.id: one for one in made}
        room = self._budget.room()
        left = None if room.pico is None else room.pico - self._budget.reserved_pico
        calls = None if room.calls is None else room.calls - self._budget.in_flight
        from judgeforge.runs.cluster.messages import Granted

        return Granted(pico, [one.id for one in made], (left, calls))


def return_leases(budget: Budget, folder: RunFolder, *, notes_are_whole: bool = True) -> int:
    """Take back what workers of an earlier start that was killed had not used; returns how many
    reservations that were. One that lives on (it was stopped, and its end is late) may still use
    its own. After a power cut their notes are not whole, and all that they held counts as used.
    Raises StoreError."""
    returned = 0
    for row in noted_leases(folder.leases_file) if notes_are_whole else ():
        numbers = range(row["first"], row["first"] + row["count"])
        notes = folder.used_numbers_file(row["worker"])
        used = set(numbers) if is_held(notes) else used_numbers(notes, numbers)
        for number in numbers:
            if number in used:
                continue
            reservation = budget.adopt(number, row["day"])
            if reservation is not None:
                budget.release(reservation)
                returned += 1
    folder.leases_file.unlink(missing_ok=True)
    for file in folder.all_used_numbers():
        file.unlink(missing_ok=True)
    return returned
