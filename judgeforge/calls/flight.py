"""A call on its way through the door: who waits for it, and who answers while its model cannot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from judgeforge.calls.attempt import CallProgress
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.queues import GivesWay


@dataclass(slots=True)
class StandIn:
    """The same question to the fallback."""

    endpoint: Endpoint
    call: Call


@dataclass(slots=True, eq=False)
class Flight:
    """A call under way and how many tasks wait for it."""

    endpoint: Endpoint
    call: Call
    stand_in: StandIn | None
    gives_way: GivesWay
    progress: CallProgress = field(default_factory=CallProgress)
    waiting: int = 0
    task: asyncio.Task[Answer] = field(init=False)
