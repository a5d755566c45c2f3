"""The gate of one model: requests pass one by one, each when everything allows it.

Checked in this order: the configured ceiling, the circuit breaker, the concurrency limit, the pace,
a slot over all models. Models take turns at the slots, one request each, so that none starves
another; what waits here holds no slot and no reservation. The end of an attempt steers them all.

Nothing here polls: a request that leaves, and a timer where only time can help, let the next ones
pass. Time is that of the event loop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.limits.breaker import CircuitBreaker, Outcome, outcome_of, refusal_of
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.ceiling import Ceiling
from judgeforge.calls.limits.concurrency import ConcurrencyLimit
from judgeforge.calls.limits.headers import read_allowances
from judgeforge.calls.limits.pace import Delay, Pace, SentRequest
from judgeforge.calls.limits.queues import GivesWay, Line, Slots, was_served
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, CircuitOpenError, StatusError
from judgeforge.store.log import RunLog
from judgeforge.text.wording import counted

_FULL = Delay(math.inf, "concurrency")


@dataclass(slots=True)
class Passage:
    """A request that passed and has a slot; ``ModelGate.leave`` returns it."""

    sent: SentRequest
    is_probe: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    size: RequestSize
    gives_way: GivesWay
    admitted: asyncio.Future[Passage]
    held_by_rate: bool = False


class ModelGate:
    def __init__(
        self,
        name: str,
        model: ModelConfig,
        limits: LimitsConfig,
        *,
        account: ProviderAccount,
        all_slots: Slots,
        log: RunLog,
    ) -> None:
        self._name, self._model, self._stall_s, self._log = name, model, limits.stall_s, log
        self._ceiling = Ceiling(requests_per_minute=model.rpm, tokens_per_minute=model.tpm)
        self._pace = Pace(account)
        self._limit = ConcurrencyLimit(model.concurrency)
        self._breaker = CircuitBreaker(limits.breaker_failures)
        self._all_slots = all_slots
        self._before_ceiling = Line()
        self._queue: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = self.in_flight = 0
        self.last_failure = ""
        """Of the requests since the last reply, also one that was only refused; empty: none."""

    @property
    def is_out_of_order(self) -> bool:
        """Whether the circuit is open: nothing but a probe is sent to the model."""
        return self._breaker.is_open

    async def enter(self, size: RequestSize, *, gives_way: GivesWay) -> Passage:
        """Wait until a request of this size may be sent. To be followed by ``leave``.

        Raises CircuitOpenError where the model is out of order and ``gives_way`` says not to wait,
        or for longer than ``stall_s``.
        """
        self.waiting += 1
        try:
            if (refusal := self._refusal(gives_way)) is not None:
                raise refusal
            if self._ceiling.is_set:
                return await self._join_under_ceiling(size, gives_way)
            return await self._join(size, gives_way)
        finally:
            self.waiting -= 1

    async def try_enter(self, size: RequestSize) -> Passage | None:
        """Pass at once, or take nothing where it would have to wait; for hedges."""
        if self.is_out_of_order or self._before_ceiling.is_taken:
            return None
        if self._delay(size, _now()) is not None or not self._all_slots.take():
            return None
        passage = None
        try:
            if await self._ceiling.try_admit(size.tokens):
                passage = self._pass(size, held_by_rate=False)
        finally:
            if passage is None:
                self._all_slots.give_back()
        return passage

    def used(self, passage: Passage, tokens: int) -> None:
        """What the request used is all that counts against the configured ceiling."""
        self._ceiling.give_back(passage.sent.size.tokens - tokens)

    def leave(
        self,
        passage: Passage,
        *,
        error: CallError | None = None,
        abandoned: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Return the slot and tell how it ended; ``abandoned``: without an end to learn from."""
        if not abandoned:
            self._learn(passage, error, headers)
        elif passage.is_probe:
            self._breaker.probe_abandoned()
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
        if self.is_out_of_order:
            parts.append(f"its circuit is open (last: {self._breaker.last_failure})")
        else:
            if paused_s := self._pace.paused_s(_now()):
                parts.append(f"the provider takes nothing more for another {paused_s:.0f} s")
            if self.last_failure:
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
            if was_served(one.admitted):
                self.leave(one.admitted.result(), abandoned=True)
            raise

    def _admit_all(self) -> None:
        while self._admit_next():
            pass

    def _admit_one(self) -> None:
        """Called when it is this model's turn at the slots; then it queues again."""
        before = self.in_flight
        while self.in_flight == before:
            if not self._admit_next():
                return
        if self._queue and self._delay(self._queue[0].size, _now()) is None:
            self._all_slots.call_in_turn(self._admit_one)

    def _admit_next(self) -> bool:
        """Whether the first in the queue is dealt with; if not, what lets it pass is arranged."""
        if not self._queue:
            return False
        first = self._queue[0]
        if first.admitted.done():  # cancelled, or sent away
            self._queue.popleft()
            return True
        if (refusal := self._refusal(first.gives_way)) is not None:
            self._queue.popleft()
            first.admitted.set_exception(refusal)
            return True
        delay = self._delay(first.size, _now())
        if delay is not None:
            first.held_by_rate |= delay.by == "rate"
            self._admit_later(delay.wait_s)
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

    def _delay(self, size: RequestSize, now: float) -> Delay | None:
        """What a request waits for; for infinity where only a reply can change it."""
        wait_s = self._breaker.wait_s(now)
        if wait_s > 0:
            return Delay(wait_s, "circuit")
        if self.in_flight >= self._limit.limit:
            self._limit.held_back(now)
            return _FULL
        return self._pace.delay(size, now)

    def _pass(self, size: RequestSize, *, held_by_rate: bool) -> Passage:
        self.in_flight += 1
        sent = self._pace.sent(size, _now(), held_by_rate=held_by_rate)
        is_probe = self._breaker.sent()
        if is_probe:
            self._send_away()
        return Passage(sent, is_probe)

    def _send_away(self) -> None:
        """Requests that give way do not queue behind those that wait until the circuit closes."""
        turns: list[tuple[GivesWay, asyncio.Future[Any]]] = [*self._before_ceiling.waiting]
        turns += ((one.gives_way, one.admitted) for one in self._queue)
        for gives_way, turn in turns:
            if not turn.done() and (refusal := self._refusal(gives_way)) is not None:
                turn.set_exception(refusal)

    def _refusal(self, gives_way: GivesWay) -> CircuitOpenError | None:
        """None where the model is in order, or a request should wait until it is."""
        opened_at = self._breaker.opened_at
        if opened_at is None:
            return None
        now, last = _now(), self._breaker.last_failure
        if gives_way():
            if self._breaker.wait_s(now) <= 0:
                return None  # this one is the probe: how else to learn that the model is back?
            why = f"circuit open: model `{self._name}` is out of order. Last: {last}"
            return CircuitOpenError(why, model=self._name)
        if now - opened_at <= self._stall_s:
            return None
        why = (
            f"circuit open: model `{self._name}` has been out of order for "
            f"{now - opened_at:.0f} s, longer than limits.stall_s. Last: {last} "
            "Start the same command again once it is back: nothing that was paid is lost."
        )
        return CircuitOpenError(why, model=self._name, stops_run=True)

    def _learn(
        self, passage: Passage, error: CallError | None, headers: Mapping[str, str] | None
    ) -> None:
        now, sent, outcome = _now(), passage.sent, outcome_of(error)
        self.last_failure = "" if error is None else str(error)
        if error is None:
            self._limit.succeeded(sent_at=sent.at, now=now, in_flight=self.in_flight)
        elif outcome is Outcome.REFUSED:
            self._limit.refused(sent_at=sent.at, now=now, in_flight=self.in_flight)
        is_scattered = outcome is Outcome.OVERLOADED and not self._limit.overloaded(
            sent_at=sent.at, now=now, in_flight=self.in_flight
        )
        if isinstance(error, StatusError):
            headers = error.headers
        said = read_allowances(headers, unix_time=time.time() - (now - sent.at)) if headers else ()
        if outcome is Outcome.REFUSED and isinstance(error, StatusError):
            self._pace.refused(sent, now, refusal_of(error, self._model.model), said)
        else:
            self._pace.accepted(sent, said)
        if outcome in {Outcome.FAILED, Outcome.OVERLOADED}:
            self._count_failure(passage, error, now, is_scattered=is_scattered)
        elif self._breaker.succeeded():
            self._log.event("circuit_closed", model=self._name)

    def _count_failure(
        self, passage: Passage, error: CallError | None, now: float, *, is_scattered: bool
    ) -> None:
        pause_s = error.retry_after_s if isinstance(error, StatusError) else None
        if pause_s is not None and not is_scattered:
            self._pace.pause(now, pause_s)
        if self._breaker.failed(now, str(error), is_probe=passage.is_probe):
            self._log.event("circuit_opened", model=self._name, failure=str(error))
            self._send_away()


def _now() -> float:
    return asyncio.get_running_loop().time()
