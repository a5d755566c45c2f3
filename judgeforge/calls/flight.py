"""A call on its way through the door: who waits for it, and who answers while its model cannot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from judgeforge.calls.attempt import CallProgress
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.queues import GivesWay
from judgeforge.calls.providers.base import ModelRequest
from judgeforge.errors import CallError, StatusError

SHORT_PAUSE_S = 0.25
"""Doubled each time: what passes by itself, such as a key that is new, has some time to."""


@dataclass(slots=True)
class StandIn:
    """The same question to the fallback."""

    endpoint: Endpoint
    call: Call

    @classmethod
    def of(
        cls,
        endpoint: Endpoint,
        endpoints: Mapping[str, Endpoint],
        request: ModelRequest,
        sample: int,
    ) -> StandIn | None:
        """None where the model has no fallback."""
        if endpoint.model.fallback is None:
            return None
        fallback = endpoints[endpoint.model.fallback]
        return cls(fallback, fallback.stand_in_call(request, sample))


@dataclass(slots=True, eq=False)
class Flight:
    """A call under way and how many tasks wait for it."""

    endpoint: Endpoint
    call: Call
    stand_in: StandIn | None
    gives_way: GivesWay
    progress: CallProgress = field(default_factory=CallProgress)
    waiting: int = 0
    last_error: CallError | None = None
    is_doubted: bool = False
    """Whether it is refused while its model answers other calls, as far as is known."""
    answered_beside: int = 0
    """How often its model has answered another call right after it refused this one."""
    _due: asyncio.Event | None = None
    task: asyncio.Task[Answer] = field(init=False)

    def is_wanted(self) -> bool:
        return self.waiting > 0

    @property
    def is_refused(self) -> bool:
        """Whether its last attempt only came too soon, as its server said."""
        error = self.last_error
        return isinstance(error, StatusError) and error.status == 429

    def try_now(self) -> None:
        """Its model answers others: what it still waits for is no longer of use."""
        self.is_doubted = self.is_refused
        if self._due is not None:
            self._due.set()

    async def pause(self, seconds: float) -> None:
        """Before the next attempt; a short one where it is in doubt, else until ``try_now``."""
        if self.is_doubted or self.answered_beside:
            await asyncio.sleep(min(seconds, SHORT_PAUSE_S * 2.0**self.answered_beside))
            return
        self._due = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._due.wait()


def described(flights: Iterable[Flight]) -> list[str]:
    """What they wait for, model by model, for a message."""
    endpoints = [flight.endpoint for flight in flights]
    calls = Counter(one.name for one in endpoints)
    gates = {one.name: one.gate for one in endpoints}
    return [gates[name].describe(calls[name]) for name in calls]


def retrieve_error(done: asyncio.Task[Any]) -> None:
    """What waited for it has the error; asyncio complains where nothing is left to retrieve it."""
    if not done.cancelled():
        done.exception()
