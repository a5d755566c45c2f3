"""Holds what all processes of a run share, and answers its workers: replies, money, log, limits.

Whatever a worker is told is on this side's disk before: an entry of the cache is stored before it
may be used, a reservation booked before it is handed out. So it does not matter at which message a
worker, its machine or the coordinator itself dies.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from judgeforge.calls.cache import ReplyCache
from judgeforge.errors import BudgetExhaustedError, StoreError
from judgeforge.runs.cluster.channel import Channel, Outbox
from judgeforge.runs.cluster.frames import Message
from judgeforge.runs.cluster.leases import Leases
from judgeforge.runs.cluster.messages import (
    Failed,
    Failure,
    Found,
    GiveBack,
    Granted,
    Keep,
    Kept,
    Logged,
    LookAgain,
    LookUp,
    Refused,
    RepliesKnown,
    Report,
    Say,
    Share,
    Spent,
    Want,
)
from judgeforge.runs.cluster.shares import Limits, Shares
from judgeforge.store.judge_replies import JudgeReplies
from judgeforge.store.log import RunLog

OWN = "coordinator"
_AGAIN_S = 0.2
"""Until workers are asked once more to return what they do not use."""


@dataclass(slots=True, eq=False)
class Member:
    """A worker as the coordinator sees it."""

    name: str
    channel: Channel
    outbox: Outbox = field(init=False)
    report: Report | None = None
    heard_at: float = field(default_factory=time.monotonic)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """What is done for it: reservations that it waits for."""
    storing: set[asyncio.Task[None]] = field(default_factory=set)
    """Its replies: stored whether or not it lives."""

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.channel.send, gather_s=0.0)


class Coordinator:
    """``limits``: what the calls of its own process keep to. ``fail`` ends the run, ``say`` tells
    the person who watches it, ``learn`` keeps what is new of the judges' replies."""

    def __init__(
        self,
        *,
        cache: ReplyCache,
        log: RunLog,
        leases: Leases,
        limits: Limits,
        shares: Shares,
        fail: Callable[[BaseException], None],
        say: Callable[[str], None],
        learn: Callable[[JudgeReplies], None],
    ) -> None:
        self._cache, self._log = cache, log
        self._leases, self._limits, self.shares = leases, limits, shares
        self._fail, self._say, self._learn = fail, say, learn
        self.members: dict[str, Member] = {}
        self.last_reply_at = time.monotonic()
        self._cached_calls: dict[str, int] = {}
        self._answers: Mapping[type[Message], Callable[[Member, Message], None]] = {
            Keep: self._keep,
            Spent: self._spent,
            Logged: self._logged,
            Want: self._want,
            Report: self._reported,
            LookUp: self._look_up,
            Say: lambda _, message: self._say(message.note),
            RepliesKnown: lambda _, message: self._learn(message.replies),
            Failed: lambda _, message: self._fail(message.error.error()),
        }

    @property
    def cached_calls(self) -> int:
        """Of all workers that there were."""
        return sum(self._cached_calls.values())

    @property
    def unused(self) -> int:
        """Reservations of workers that no call has, as far as they have told."""
        return sum(
            max(0, self._leases.held(one.name) - (one.report.used[0] if one.report else 0))
            for one in self.members.values()
        )

    def reports(self) -> list[Report]:
        return [one.report for one in self.members.values() if one.report is not None]

    def join(self, member: Member) -> None:
        self.members[member.name] = member
        self.shares.join(member.name)
        self.balance()

    async def stored(self, member: Member) -> None:
        """Return once all replies that it has sent are in the cache, or cannot be stored."""
        if member.storing:
            await asyncio.wait(member.storing)

    def lost(self, member: Member) -> int:
        """It is gone, and all it has sent was taken; returns how many calls count as spent that it
        had under way."""
        self.members.pop(member.name, None)
        for task in member.tasks:
            task.cancel()
        self.shares.leave(member.name)
        under_way = self._leases.lost(member.name)
        self.balance()
        return under_way

    def take(self, member: Member, message: Message) -> bool:
        """Whether it was for the coordinator. Raises StoreError where it cannot be kept."""
        answer = self._answers.get(type(message))
        if answer is None:
            return False
        answer(member, message)
        return True

    def balance(self) -> None:
        """Share the limits out anew."""
        limits = self._limits
        for _ in range(2):
            for name, (number, parts) in self.shares.changes().items():
                if name != OWN:
                    self.members[name].outbox.put(Share(number, parts))
                    continue
                limits.keep_to(parts)
                self.shares.reported(OWN, number, limits.used(), limits.wanted())

    def look_at_money(self) -> None:
        """Ask workers for what they do not use, where it is wanted elsewhere."""
        try:
            if self._leases.are_wanted_back():
                self._recall()
        except StoreError as error:
            self._fail(error)

    def look_at_own(self) -> None:
        """How much of the limits the coordinator's own calls use and want just now."""
        number = self.shares.number_of(OWN)
        self.shares.reported(OWN, number, self._limits.used(), self._limits.wanted())

    def _keep(self, member: Member, message: Keep) -> None:
        self.last_reply_at = time.monotonic()
        self._in_background(member.storing, self._store(member, message))

    async def _store(self, member: Member, message: Keep) -> None:
        failure: StoreError | None = None
        try:
            await self._cache.put_entries(message.entries)
        except StoreError as error:
            failure = error
            self._fail(error)
        member.outbox.put(Kept(message.numbers, None if failure is None else Failure(failure)))

    def _spent(self, member: Member, message: Spent) -> None:
        for row in message.rows:
            self._leases.close(member.name, row)

    def _logged(self, _member: Member, message: Logged) -> None:
        for line in message.lines:
            self._log.append(line)

    def _reported(self, member: Member, message: Report) -> None:
        member.report = message
        self._cached_calls[member.name] = message.cached_calls
        self.last_reply_at = max(self.last_reply_at, time.monotonic() - message.heard_s)
        self.shares.reported(member.name, message.share, message.used, message.wanted)

    def _look_up(self, member: Member, message: LookUp) -> None:
        found = {key: self._cache.entry(key) for key in message.keys}
        entries = {key: text for key, text in found.items() if text is not None}
        member.outbox.put(Found(message.number, entries))

    def _want(self, member: Member, message: Want) -> None:
        granted = self._leases.try_grant(member.name, message.pico, message.count)
        if granted is None:
            self._in_background(member.tasks, self._grant_late(member, message))
            return
        member.outbox.put(granted)
        if (lacking := message.count - len(granted.numbers)) > 0:
            self._in_background(member.tasks, self._grant_late(member, Want(message.pico, lacking)))

    async def _grant_late(self, member: Member, message: Want) -> None:
        """Little is left: others return what they do not use, and calls under way are waited for.
        One is granted at a time."""
        try:
            for _ in range(message.count):
                member.outbox.put(await self._grant_one(member, message))
        except BudgetExhaustedError as error:
            member.outbox.put(Refused(message.pico, Failure(error)))
        except StoreError as error:
            self._fail(error)

    async def _grant_one(self, member: Member, message: Want) -> Granted:
        granting = asyncio.ensure_future(self._leases.grant_one(member.name, message.pico))
        try:
            while not granting.done():
                self._recall()
                await asyncio.wait({granting}, timeout=_AGAIN_S)
        finally:
            granting.cancel()
        return granting.result()

    def look_again(self) -> None:
        for member in self.members.values():
            member.outbox.put(LookAgain())

    def _recall(self) -> None:
        for member in self.members.values():
            member.outbox.put(GiveBack())

    def _in_background(
        self, tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]
    ) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
