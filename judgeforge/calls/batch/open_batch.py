"""One batch that is under way, for all steps of its life."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from judgeforge.calls.batch.gathering import Gathered, Outcome
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.money.budget import Budget, Reservation
from judgeforge.calls.providers.batches import BatchServer, BatchState
from judgeforge.store.batches import BatchBook, BatchEntry

if TYPE_CHECKING:
    from judgeforge.calls.batch.desk import Door


@dataclass(slots=True, eq=False)
class OpenBatch:
    nonce: str
    endpoint: Endpoint
    server: BatchServer
    tokens: int
    """Of the inputs, estimated."""
    reservations: dict[str, Reservation | None]
    """By key, in the order of the file; None where it is settled or released."""
    waited_for: dict[str, Gathered] = field(default_factory=dict)
    state: BatchState | None = None
    looked_at: float = 0.0
    """Monotonic seconds of the last look."""

    def entry(self, book: BatchBook) -> BatchEntry:
        return book.entries[self.nonce]

    def outcome_of(self, call: Call) -> Outcome:
        known = self.waited_for.get(call.key)
        if known is None or known.outcome.done():
            known = Gathered(call, asyncio.get_running_loop().create_future())
            self.waited_for[call.key] = known
        return known.outcome

    def answer(self, key: str, answer: Answer | None) -> None:
        """None: it is to be sent directly."""
        one = self.waited_for.pop(key, None)
        if one is not None and not one.outcome.done():
            one.outcome.set_result(answer)

    def fail(self, key: str, error: BaseException) -> None:
        one = self.waited_for.pop(key, None)
        if one is not None and not one.outcome.done():
            one.outcome.set_exception(error)

    def fail_all(self, error: BaseException) -> None:
        for key in list(self.waited_for):
            self.fail(key, error)

    def release(self, budget: Budget, keys: Sequence[str] | None = None) -> None:
        """Nothing is billed for them."""
        for key in list(self.reservations) if keys is None else keys:
            reservation = self.reservations[key]
            if reservation is not None:
                budget.release(reservation)
                self.reservations[key] = None


def reopened(door: Door, entry: BatchEntry, endpoint: Endpoint, server: BatchServer) -> OpenBatch:
    """A batch of an earlier start; what it may still cost counts as in flight again."""
    keys, size = list[str](), 0
    for one in door.book.requests(entry.nonce):
        keys.append(one.key)
        size += len(one.request)
    reservations = {
        key: door.budget.adopt(entry.first_reservation + number, entry.day)
        for number, key in enumerate(keys)
    }
    return OpenBatch(entry.nonce, endpoint, server, size // 4, reservations)
