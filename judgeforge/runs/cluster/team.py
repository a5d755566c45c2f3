"""The workers of one start with all that they need of the coordinator: opened, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import ModuleType

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.money.budget import Budget
from judgeforge.errors import ConfigError, InterruptedRunError, StoreError
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.runs.cluster.channel import Place
from judgeforge.runs.cluster.coordinator import OWN, Coordinator
from judgeforge.runs.cluster.forked import ForkedWorkers
from judgeforge.runs.cluster.leases import Leases
from judgeforge.runs.cluster.messages import Begin, Job
from judgeforge.runs.cluster.processes import LocalProcesses
from judgeforge.runs.cluster.shares import Limits, Shares, capacities
from judgeforge.runs.cluster.worker import without_keys
from judgeforge.runs.cluster.workers import END_S, Workers
from judgeforge.runs.fit import RunFit
from judgeforge.runs.start import Start
from judgeforge.store.log import RunLog

UNHEARD_S = 20.0
"""A worker of a cluster that is not heard of for this long is lost, and others take its prompts. It
sends nothing more from half of that on."""

SOON_S = 3.0
"""A worker of this machine has begun by then, or something is wrong with it."""


@dataclass(frozen=True, slots=True)
class SharedParts:
    """What the coordinator's own calls and those of the workers share."""

    cache: ReplyCache
    budget: Budget
    log: RunLog
    endpoints: list[Endpoint]
    slots: Slots
    gateway: Gateway
    replies: FirstReplies
    fit: RunFit


@dataclass(slots=True)
class Team:
    workers: Workers
    coordinator: Coordinator
    leases: Leases
    fit: RunFit
    has_equal: bool
    """See ``Crew``."""
    fail: Callable[[BaseException], None]
    end_s: float
    """How long workers may take to end: they wait for what is in flight."""
    _telling: asyncio.Task[None] | None = field(default=None, init=False)
    _is_closed: bool = field(default=False, init=False)

    def start(self) -> None:
        self.workers.start()
        self._telling = asyncio.create_task(self._tell_fit())

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._telling is not None:
            self._telling.cancel()
        await self.workers.close(within_s=self.end_s)
        try:
            self.leases.end()
        except StoreError as error:  # the run is concluded all the same
            self.fail(error)

    async def _tell_fit(self) -> None:
        with suppress(InterruptedRunError):
            self.workers.fitted(await self.fit.made())


@asynccontextmanager
async def cluster_of(start: Start) -> AsyncIterator[int | None]:
    """How many processors the cluster has that the start is to run on; None where it names none.
    Raises ConfigError where it cannot be reached."""
    if start.options.cluster is None:
        yield None
        return
    ray_actors = _ray_actors()
    is_ours = await ray_actors.connect(start.options.cluster)
    try:
        yield ray_actors.processors()
    finally:
        if is_ours:
            await ray_actors.leave()


def _ray_actors() -> ModuleType:
    try:
        from judgeforge.runs.cluster import ray_actors
    except ImportError as error:
        raise ConfigError(
            "a cluster needs Ray: pip install 'judgeforge[ray]', here and on each machine of it"
        ) from error
    return ray_actors


def _place(start: Start, job: Callable[[str], Job]) -> Place:
    if start.options.cluster is None:
        return LocalProcesses(job, start.options.forked or ForkedWorkers())
    place: Place = _ray_actors().RayActors(job, unheard_s=UNHEARD_S)
    return place


def open_team(
    start: Start,
    number: int,
    shared: SharedParts,
    *,
    fail: Callable[[BaseException], None],
    say: Callable[[str], None],
) -> Team:
    """``number`` workers. Raises StoreError where a file cannot be opened."""
    prepared, folder = without_keys(start.prepared), start.folder
    has_equal = start.config.prompts.duplicate_prompts == "keep"
    leases, gateway = Leases(shared.budget, folder), shared.gateway

    def job(name: str) -> Job:
        is_here = start.options.cluster is None
        return Job(
            prepared,
            name,
            cache=start.config.cache_dir if is_here else None,
            used_numbers=folder.used_numbers_file(name) if is_here else None,
            workers=number,
            log=folder.log,
            unheard_s=None if is_here else UNHEARD_S / 2,
        )

    coordinator = Coordinator(
        cache=shared.cache,
        log=shared.log,
        leases=leases,
        limits=Limits.of(shared.endpoints, shared.slots),
        shares=Shares(capacities(start.config, shared.endpoints), OWN),
        fail=fail,
        say=say,
        learn=shared.replies.learn,
    )
    workers = Workers(
        number,
        _place(start, job),
        coordinator,
        begin_with=lambda: Begin(
            shared.replies.known, gateway.acceptance.known(), None, gateway.known.known()
        ),
        has_equal=has_equal,
        soon_s=SOON_S if start.options.cluster is None else 0.0,
        log=shared.log,
        fail=fail,
        say=say,
    )
    return Team(
        workers,
        coordinator,
        leases,
        shared.fit,
        has_equal,
        fail,
        start.config.limits.grace_s + END_S,
    )
