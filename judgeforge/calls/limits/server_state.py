"""What is known of one server: whether it is there, how many requests it takes, and when the next.

The end of each attempt steers all three. Time is monotonic seconds, given by the caller.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Literal

from judgeforge.calls.limits.breaker import CircuitBreaker, Outcome, outcome_of, refusal_of
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.concurrency import ConcurrencyLimit
from judgeforge.calls.limits.headers import read_allowances
from judgeforge.calls.limits.pace import Delay, Pace, SentRequest
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, StatusError

FULL = Delay(math.inf, "concurrency")
CircuitChange = Literal["circuit_opened", "circuit_closed"]


class ServerState:
    """``is_replica``: whether others serve the same model."""

    def __init__(
        self,
        model: ModelConfig,
        limits: LimitsConfig,
        account: ProviderAccount,
        *,
        is_replica: bool = False,
    ) -> None:
        self._model_name, self._is_replica = model.model, is_replica
        self._pace = Pace(account)
        self.concurrency = ConcurrencyLimit(model.concurrency)
        self.breaker = CircuitBreaker(limits.breaker_failures, model.timeout_s)
        self.in_flight = 0
        self.most_in_flight = model.concurrency
        """Fewer where other processes ask the server as well."""
        self.last_failure = ""
        """Of the requests since the last reply, also one that was only refused; empty: none."""

    def delay(self, size: RequestSize, now: float) -> Delay | None:
        """What a request waits for; for infinity where only a reply can change it."""
        wait_s = self.breaker.wait_s(now)
        if wait_s > 0:
            return Delay(wait_s, "circuit")
        if self._is_full:
            self.concurrency.held_back(now)
            return FULL
        return self._pace.delay(size, now)

    def is_ready(self, now: float) -> bool:
        """Whether it takes requests just now, whatever their size."""
        return not (self.breaker.is_open or self._is_full or self._pace.paused_s(now) > 0)

    @property
    def _is_full(self) -> bool:
        return self.in_flight >= min(self.concurrency.limit, self.most_in_flight)

    def sent(
        self, size: RequestSize, now: float, *, held_by_rate: bool
    ) -> tuple[SentRequest, bool]:
        """The request, and whether it is the probe of an open circuit."""
        self.in_flight += 1
        return self._pace.sent(size, now, held_by_rate=held_by_rate), self.breaker.sent()

    def ended(
        self,
        sent: SentRequest,
        error: CallError | None,
        headers: Mapping[str, str] | None,
        now: float,
        *,
        is_probe: bool,
    ) -> CircuitChange | None:
        """Learn from how an attempt ended; it still counts as in flight."""
        outcome = outcome_of(error, is_replica=self._is_replica)
        self.last_failure = "" if error is None else str(error)
        if error is None:
            self.concurrency.succeeded(sent_at=sent.at, now=now, in_flight=self.in_flight)
        elif outcome is Outcome.REFUSED:
            self.concurrency.refused(sent_at=sent.at, now=now, in_flight=self.in_flight)
        is_scattered = outcome is Outcome.OVERLOADED and not self.concurrency.overloaded(
            sent_at=sent.at, now=now, in_flight=self.in_flight
        )
        if isinstance(error, StatusError):
            headers = error.headers
        said = read_allowances(headers, unix_time=time.time() - (now - sent.at)) if headers else ()
        if outcome is Outcome.REFUSED and isinstance(error, StatusError):
            self._pace.refused(sent, now, refusal_of(error, self._model_name), said)
        else:
            self._pace.accepted(sent, said)
        if outcome not in {Outcome.FAILED, Outcome.OVERLOADED}:
            return "circuit_closed" if self.breaker.succeeded() else None
        pause_s = error.retry_after_s if isinstance(error, StatusError) else None
        if pause_s is not None and not is_scattered:
            self._pace.pause(now, pause_s)
        opened = self.breaker.failed(now, str(error), is_probe=is_probe)
        return "circuit_opened" if opened else None

    def forget_refusals(self) -> None:
        self._pace.forget_refusals()

    def told(self, now: float) -> list[str]:
        """What keeps requests from being answered, in words."""
        if self.breaker.is_open:
            return [f"its circuit is open (last: {self.breaker.last_failure})"]
        parts = []
        if paused_s := self._pace.paused_s(now):
            parts.append(f"the provider takes nothing more for another {paused_s:.0f} s")
        if self.last_failure:
            parts.append(f"last failure: {self.last_failure}")
        return parts
