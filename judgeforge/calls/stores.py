"""What the door needs of whatever keeps replies and money.

In a run of one process these are the cache and the budget on disk. A process that is one of
several asks the one that has them.
"""

from __future__ import annotations

from typing import Protocol

from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Call
from judgeforge.calls.money.budget import Reservation


class KeepsReplies(Protocol):
    """See ``ReplyCache``."""

    def get(self, call: Call) -> StoredReply | None:
        """None where it has none that is whole. Raises StoreError."""
        ...

    def report_damage(self, call: Call, why: str) -> None: ...

    async def put(self, call: Call, stored: StoredReply) -> None:
        """Return once the reply is kept, whatever happens to this process. Raises StoreError."""
        ...


class KeepsMoney(Protocol):
    """See ``Budget``; amounts in picodollars, None where the price is unknown."""

    async def reserve(self, pico: int | None) -> Reservation:
        """Return once it is booked. Raises BudgetExhaustedError and StoreError."""
        ...

    def settle(
        self, reservation: Reservation, pico: int | None, *, tokens: tuple[int, int] = (0, 0)
    ) -> None: ...

    def release(self, reservation: Reservation) -> None: ...

    def has_room(self, pico: int, calls: int) -> bool: ...
