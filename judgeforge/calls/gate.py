"""The gate of one model: requests pass one by one, each when everything allows it.

Asked in this order: the configured ceiling, the circuit breaker, the concurrency limit, the pace,
a slot over all models. Only the first in the queue of each model waits for a slot, so that models
take turns and none starves another; what waits here holds no slot and no reservation.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from judgeforge.calls.breaker import CircuitBreaker
from judgeforge.calls.call_log import CallLog
from judgeforge.calls.concurrency_limit import ConcurrencyLimit
from judgeforge.calls.outcome import Outcome, outcome_of, refusal_of
from judgeforge.calls.pace import Pace, SentRequest
from judgeforge.calls.rate_headers import read_allowances
from judgeforge.calls.request_size import RequestSize
from judgeforge.calls.shared_bucket import Account
from judgeforge.calls.throttle import ModelThrottle
from judgeforge.config import LimitsConfig, ModelConfig
from judgeforge.errors import CallError, CircuitOpenError, StatusError

GivesWay = Callable[[], bool]
"""Whether a request should rather fail at once than wait for a circuit to close."""


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
        all_slots: asyncio.Semaphore,
        log: CallLog,
    ) -> None:
        self._name, self._model, self._stall_s, self._log = name, model, limits.stall_s, log
        self._ceiling = ceiling
        self._pace = Pace(account)
        self._limit = ConcurrencyLimit(model.concurrency)
        self._breaker = CircuitBreaker(limits.breaker_failures)
        self._all_slots = all_slots
        self._queue = asyncio.Lock()
        self._woken: asyncio.Future[None] | None = None
        self.waiting = 0
        self.in_flight = 0

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: the model is out of order."""
        return self._breaker.is_open

    async def enter(self, size: RequestSize, *, gives_way: GivesWay) -> Passage:
        """Wait until a request of so much may be sent. To be followed by ``leave``.

        Raises CircuitOpenError where the model is out of order and ``gives_way`` says not to wait,
        or for longer than ``stall_s``.
        """
        self.waiting += 1
        try:
            async with self._queue:
                self._refuse_while_open(gives_way)
                await self._ceiling.admit(size.tokens)
                held_by_rate = await self._wait_for_slot(size, gives_way)
                return self._pass(size, held_by_rate=held_by_rate)
        finally:
            self.waiting -= 1

    async def enter_aside(self, size: RequestSize) -> Passage | None:
        """Pass the queue, but only if nothing has to be waited for; for hedges."""
        if self.is_open or self._wait(size, time.monotonic())[0] > 0 or self._all_slots.locked():
            return None
        await self._ceiling.admit(size.tokens)
        if self.is_open or self._wait(size, time.monotonic())[0] > 0 or self._all_slots.locked():
            return None
        await self._all_slots.acquire()
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
        self._all_slots.release()
        self._wake()

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
        return f"{calls} calls of model `{self._name}`: {', '.join(parts)}"

    async def _wait_for_slot(self, size: RequestSize, gives_way: GivesWay) -> bool:
        """Returns whether the learned rate held the request back."""
        held_by_rate = False
        while True:
            self._refuse_while_open(gives_way)
            wait, by_rate = self._wait(size, time.monotonic())
            if wait > 0:
                held_by_rate |= by_rate
                await self._sleep(wait)
                continue
            await self._all_slots.acquire()
            if self._wait(size, time.monotonic())[0] <= 0:
                return held_by_rate
            # While this one waited for a slot, something closed the way again.
            self._all_slots.release()

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
        return Passage(sent, self._breaker.sent())

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
        if outcome is Outcome.ABANDONED:
            if passage.is_probe:
                self._breaker.probe_abandoned()
            return
        if outcome is Outcome.ANSWERED and error is None:
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

    async def _sleep(self, wait_s: float) -> None:
        """Until the time is over or a reply has changed something."""
        loop = asyncio.get_running_loop()
        self._woken = loop.create_future()
        bounded = min(wait_s, self._stall_s)
        timer = loop.call_later(bounded, self._wake)
        try:
            await self._woken
        finally:
            timer.cancel()
            self._woken = None

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
