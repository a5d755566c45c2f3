"""The gate of one model: requests pass one by one, each when everything allows it.

Asked in this order: the configured ceiling, the circuit breaker, the concurrency limit, the pace,
a slot over all models. Models take turns at the slots, one request each, so that none starves
another; what waits here holds no slot and no reservation.

Nothing here polls: a request that leaves, and a timer where only time can help, let the next ones
pass.

What the end of an attempt says about its model: is it there, overloaded, does it refuse.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from judgeforge.calls.limits.breaker import CircuitBreaker
from judgeforge.calls.limits.buckets import Account
from judgeforge.calls.limits.ceiling import ModelThrottle
from judgeforge.calls.limits.concurrency import ConcurrencyLimit
from judgeforge.calls.limits.headers import read_allowances
from judgeforge.calls.limits.pace import Pace, Refusal, SentRequest
from judgeforge.calls.limits.queues import GivesWay, Line, Slots
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.calls.log import CallLog
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, CircuitOpenError, NoReplyError, StatusError
from judgeforge.text.wording import counted

_OVERLOADED_STATUS = frozenset({408, 503, 529})
_LONGEST_REASON = 1000
"""Characters of what a server says that are looked through."""
_OF_TOKENS = re.compile(r"\btokens?\b|\b[ti]?tpm\b", re.IGNORECASE)
_OF_ACCOUNT = re.compile(r"\b(account|organi[sz]ation|workspace|project|api key)\b", re.IGNORECASE)
_OF_ONE_MODEL = re.compile(r"\b(for|of) (model )?`?[\w.:/-]*\d[\w.:/-]*`? ", re.IGNORECASE)
"""``Rate limit reached for gpt-5.4-mini in organization …`` is about that model."""


class Outcome(Enum):
    ANSWERED = "answered"
    """Also where it says that this very request is wrong: it is there and takes requests."""
    REFUSED = "refused"
    """Too much was sent in too short a time (429)."""
    OVERLOADED = "overloaded"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Nothing is known: the attempt was cancelled."""


def outcome_of(error: CallError) -> Outcome:
    if isinstance(error, StatusError):
        if error.status == 429:
            return Outcome.REFUSED if error.retryable else Outcome.ANSWERED
        if error.status in _OVERLOADED_STATUS:
            return Outcome.OVERLOADED
        return Outcome.FAILED if error.status >= 500 else Outcome.ANSWERED
    return Outcome.OVERLOADED if isinstance(error, NoReplyError) else Outcome.FAILED


def refusal_of(error: StatusError, model: str) -> Refusal:
    """``model``: the provider's name of it."""
    said = str(error).split(": ", 1)[-1][:_LONGEST_REASON]  # behind "HTTP 429 from MODEL"
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    names_model = named is not None or _OF_ONE_MODEL.search(said) is not None
    return Refusal(
        retry_after_s=error.retry_after_s,
        kind="tokens" if _OF_TOKENS.search(said) else "requests",
        of_account=not names_model and _OF_ACCOUNT.search(said) is not None,
    )


@dataclass(slots=True, eq=False)
class _Waiting:
    size: RequestSize
    gives_way: GivesWay
    admitted: asyncio.Future[Passage]
    held_by_rate: bool = False


@dataclass(slots=True)
class Passage:
    """A request that passed and has a slot; to be given back with ``ModelGate.leave``."""

    sent: SentRequest
    is_probe: bool


class ModelGate:
    def __init__(
        self,
        name: str,
        model: ModelConfig,
        limits: LimitsConfig,
        *,
        ceiling: ModelThrottle,
        account: Account,
        all_slots: Slots,
        log: CallLog,
    ) -> None:
        self._name, self._model, self._stall_s, self._log = name, model, limits.stall_s, log
        self._ceiling = ceiling
        self._pace = Pace(account)
        self._limit = ConcurrencyLimit(model.concurrency)
        self._breaker = CircuitBreaker(limits.breaker_failures)
        self._all_slots = all_slots
        self._before_ceiling = Line()
        self._queue: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0
        self.in_flight = 0
        self.last_failure = ""
        """Of the requests since the last reply, also one that was only refused; empty: none."""

    @property
    def is_out_of_order(self) -> bool:
        """Whether the circuit is open: nothing but a probe is sent to the model."""
        return self._breaker.is_open

    async def enter(self, size: RequestSize, *, gives_way: GivesWay) -> Passage:
        """Wait until a request of so much may be sent. To be followed by ``leave``.

        Raises CircuitOpenError where the model is out of order and ``gives_way`` says not to wait,
        or for longer than ``stall_s``.
        """
        self.waiting += 1
        try:
            self._refuse_while_open(gives_way)
            if self._ceiling.is_set:
                return await self._join_under_ceiling(size, gives_way)
            return await self._join(size, gives_way)
        finally:
            self.waiting -= 1

    def try_enter(self, size: RequestSize) -> Passage | None:
        """Pass at once or take nothing: where anything would have to be waited for; for hedges."""
        if self.is_out_of_order or self._wait(size, time.monotonic())[0] > 0:
            return None
        if not self._all_slots.take():
            return None
        if not self._ceiling.try_admit(size.tokens):
            self._all_slots.give_back()
            return None
        return self._pass(size, held_by_rate=False)

    def leave(
        self,
        passage: Passage,
        *,
        error: CallError | None = None,
        abandoned: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Give the slot back and tell how it ended."""
        now = time.monotonic()
        outcome = Outcome.ANSWERED if error is None else outcome_of(error)
        self._tell(passage, Outcome.ABANDONED if abandoned else outcome, error, headers, now)
        self.in_flight -= 1
        self._all_slots.give_back()
        self._admit_all()

    def describe(self, calls: int) -> str:
        """What this many calls of the model are waiting for, for a message."""
        parts = [f"{self.in_flight} in flight without a reply"] if self.in_flight else []
        if self.waiting:
            parts.append(f"{self.waiting} in its queue")
        if between := calls - self.in_flight - self.waiting:
            parts.append(f"{between} about to be tried again")
        if self._breaker.opened_at is not None:
            parts.append(f"its circuit is open (last: {self._breaker.last_failure})")
        elif paused_s := self._pace.paused_s(time.monotonic()):
            parts.append(f"the provider takes nothing more for another {paused_s:.0f} s")
        if self._breaker.opened_at is None and self.last_failure:
            parts.append(f"last failure: {self.last_failure}")
        return f"{counted(calls, 'call')} of model `{self._name}`: {', '.join(parts)}"

    async def _join_under_ceiling(self, size: RequestSize, gives_way: GivesWay) -> Passage:
        # One at a time: what has passed the ceiling must not pile up behind something else.
        await self._before_ceiling.enter(gives_way)
        try:
            await self._ceiling.admit(size.tokens)
            try:
                return await self._join(size, gives_way)
            except BaseException:
                self._ceiling.give_back(size.tokens)
                raise
        finally:
            self._before_ceiling.leave()

    async def _join(self, size: RequestSize, gives_way: GivesWay) -> Passage:
        one = _Waiting(size, gives_way, asyncio.get_running_loop().create_future())
        self._queue.append(one)
        if len(self._queue) == 1:
            self._admit_all()
        try:
            return await one.admitted
        except asyncio.CancelledError:
            admitted = one.admitted
            if admitted.done() and not admitted.cancelled() and admitted.exception() is None:
                self.leave(admitted.result(), abandoned=True)
            raise

    def _admit_all(self) -> None:
        while self._admit_next():
            pass

    def _admit_one(self) -> None:
        """When it is this model's turn at the slots; then it stands in line again."""
        before = self.in_flight
        while self.in_flight == before:
            if not self._admit_next():
                return
        if self._queue and self._wait(self._queue[0].size, time.monotonic())[0] <= 0:
            self._all_slots.call_in_turn(self._admit_one)

    def _admit_next(self) -> bool:
        """Whether the first in the queue is dealt with; if not, what lets it pass is arranged."""
        if not self._queue:
            return False
        first = self._queue[0]
        if first.admitted.done():  # cancelled
            self._queue.popleft()
            return True
        try:
            self._refuse_while_open(first.gives_way)
        except CircuitOpenError as error:
            self._queue.popleft()
            first.admitted.set_exception(error)
            return True
        wait, by_rate = self._wait(first.size, time.monotonic())
        if wait > 0:
            first.held_by_rate |= by_rate
            self._admit_later(wait)
            return False
        if not self._all_slots.take():
            self._all_slots.call_in_turn(self._admit_one)
            return False
        self._queue.popleft()
        first.admitted.set_result(self._pass(first.size, held_by_rate=first.held_by_rate))
        return True

    def _admit_later(self, wait_s: float) -> None:
        """Where only a reply can help there is no timer, but a bound (see ``stall_s``)."""
        loop = asyncio.get_running_loop()
        at = loop.time() + min(wait_s, self._stall_s)
        if self._timer is not None and not self._timer.cancelled():
            if loop.time() < self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._admit_all)

    def _wait(self, size: RequestSize, now: float) -> tuple[float, bool]:
        """Seconds, infinity where only a reply can change it; and whether by the learned rate."""
        wait = self._breaker.wait_s(now)
        if wait > 0:
            return wait, False
        if self.in_flight >= self._limit.limit:
            self._limit.held_back(now)
            return math.inf, False
        hold = self._pace.hold(size, now)
        return (0.0, False) if hold is None else (hold.wait_s, hold.by == "rate")

    def _pass(self, size: RequestSize, *, held_by_rate: bool) -> Passage:
        self.in_flight += 1
        sent = self._pace.sent(size, time.monotonic(), held_by_rate=held_by_rate)
        is_probe = self._breaker.sent()
        if is_probe:
            self._send_away()
        return Passage(sent, is_probe)

    def _send_away(self) -> None:
        """Who gives way does not stand behind those that wait until the circuit closes."""
        turns: list[tuple[GivesWay, asyncio.Future[Any]]] = []
        turns += [(one.gives_way, one.admitted) for one in self._queue if not one.admitted.done()]
        turns += self._before_ceiling.waiting
        for gives_way, turn in turns:
            try:
                self._refuse_while_open(gives_way)
            except CircuitOpenError as error:
                turn.set_exception(error)
        self._queue = deque(one for one in self._queue if not one.admitted.done())

    def _refuse_while_open(self, gives_way: GivesWay) -> None:
        opened_at, now = self._breaker.opened_at, time.monotonic()
        if opened_at is None:
            return
        if gives_way():
            if self._breaker.wait_s(now) <= 0:
                return  # this one is the probe, or nobody would learn that the model is back
            raise CircuitOpenError(
                f"circuit open: model `{self._name}` is out of order. "
                f"Last: {self._breaker.last_failure}",
                model=self._name,
            )
        if now - opened_at > self._stall_s:
            raise CircuitOpenError(
                f"circuit open: model `{self._name}` has been out of order for "
                f"{now - opened_at:.0f} s, longer than limits.stall_s. "
                f"Last: {self._breaker.last_failure} "
                "Start the same command again once it is back: nothing that was paid is lost.",
                model=self._name,
                stops_run=True,
            )

    def _tell(
        self,
        passage: Passage,
        outcome: Outcome,
        error: CallError | None,
        headers: Mapping[str, str] | None,
        now: float,
    ) -> None:
        sent = passage.sent
        if error is not None:
            self.last_failure = str(error)
        if outcome is Outcome.ABANDONED:
            if passage.is_probe:
                self._breaker.probe_abandoned()
            return
        if outcome is Outcome.ANSWERED and error is None:
            self.last_failure = ""
            self._limit.succeeded(sent_at=sent.at, now=now, in_flight=self.in_flight)
        if outcome in {Outcome.REFUSED, Outcome.OVERLOADED}:
            self._limit.overloaded(sent_at=sent.at, now=now, in_flight=self.in_flight)
        if isinstance(error, StatusError):
            headers = error.headers
        sent_unix_time = time.time() - (now - sent.at)
        said = read_allowances(headers, unix_time=sent_unix_time) if headers else ()
        if outcome is Outcome.REFUSED and isinstance(error, StatusError):
            self._pace.refused(sent, now, refusal_of(error, self._model.model), said)
        else:
            self._pace.accepted(sent, said)
        if outcome in {Outcome.FAILED, Outcome.OVERLOADED}:
            self._count_failure(passage, error, now)
        elif self._breaker.succeeded():
            self._log.event("circuit_closed", model=self._name)

    def _count_failure(self, passage: Passage, error: CallError | None, now: float) -> None:
        if isinstance(error, StatusError) and error.retry_after_s is not None:
            self._pace.pause(now, error.retry_after_s)
        if self._breaker.failed(now, str(error), is_probe=passage.is_probe):
            self._log.event("circuit_opened", model=self._name, failure=str(error))
            self._send_away()
