"""A lock whose waiters can be sent away, each with an error of its own."""

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
