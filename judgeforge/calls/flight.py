"""A call on its way through the door: who waits for it, and who answers while its model cannot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from judgeforge.calls.attempt import CallProgress
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.queues import GivesWay
from judgeforge.calls.providers.base import ModelRequest
from judgeforge.errors import CallError, StatusError


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
    task: asyncio.Task[Answer] = field(init=False)

    @property
    def is_failing(self) -> bool:
        """Whether an attempt of it has failed, not only come too soon, and no other model can
        stand in."""
        error = self.last_error
        is_refused = isinstance(error, StatusError) and error.status == 429
        return error is not None and not is_refused and self.stand_in is None


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
