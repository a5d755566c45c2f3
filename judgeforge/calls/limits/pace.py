"""When a model's next request may be sent, judging by what its provider says and refuses.

Headers come first: they tell of an end before it is reached. Where there are none, or where they
do not explain a refusal, the rate is learned from the refusals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from judgeforge.calls.limits.breaker import Refusal
from judgeforge.calls.limits.buckets import ProviderAccount, TrackedAllowance
from judgeforge.calls.limits.headers import Allowance
from judgeforge.calls.limits.learned_rate import RateLearner, Refused
from judgeforge.calls.limits.traffic import AllowanceKind, RequestSize, Traffic

FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 30.0
"""Of a model that refuses again and again without saying for how long."""
LONGEST_RETRY_AFTER_S = 120.0
"""A server may ask for any pause; after this long it is asked again."""
RESERVE_S = 0.3
"""After a refusal that no header explains: what flows in meanwhile absorbs what comes bunched."""
LATE, LONGEST_RESERVE_S = 1.25, 1.0
"""Where refusals take longer than that, the pause is this many times as long as one took, at most:
by then those of all other requests under way have come."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request on its way, with all traffic up to it."""

    size: RequestSize
    at: float
    own: Traffic
    account: Traffic


@dataclass(frozen=True, slots=True)
class Delay:
    """Why and for how long a request may not be sent yet."""

    wait_s: float
    by: Literal["circuit", "concurrency", "pause", "headers", "rate"]


class Pace:
    """Of one model. Time is monotonic seconds, given by the caller."""

    def __init__(self, account: ProviderAccount) -> None:
        self._account = account
        self._traffic = Traffic()
        self._allowances: dict[AllowanceKind, TrackedAllowance] = {}
        self._learner = RateLearner(self._traffic)
        self._paused_until = 0.0
        self._cut_at = -1.0
        self._refused_in_a_row = 0

    def delay(self, size: RequestSize, now: float) -> Delay | None:
        """None where a request of this size may be sent now."""
        pause = max(self._paused_until, self._account.paused_until) - now
        if pause > 0:
            return Delay(pause, "pause")
        for kind, allowance in self._allowances.items():
            wait = allowance.wait_s(size.of(kind), now, self._traffic)
            if wait > 0:
                return Delay(wait, "headers")
        for learner in (self._learner, self._account.learner):
            wait = learner.wait_s(self, size, now)
            if wait > 0:
                return Delay(wait, "rate")
        return None

    def sent(self, size: RequestSize, now: float, *, held_by_rate: bool = False) -> SentRequest:
        self._learner.sent(self, size, now, held_back=held_by_rate)
        self._account.learner.sent(self, size, now, held_back=held_by_rate)
        self._traffic.add(size)
        self._account.traffic.add(size)
        for allowance in self._allowances.values():
            allowance.sent()
        return SentRequest(size, now, self._traffic.snapshot(), self._account.traffic.snapshot())

    def accepted(self, sent: SentRequest, said: Sequence[Allowance] = ()) -> None:
        self._refused_in_a_row = 0
        self._observe(sent, said)

    def refused(
        self, sent: SentRequest, now: float, refusal: Refusal, said: Sequence[Allowance] = ()
    ) -> None:
        self._traffic.add(sent.size, times=-1)
        self._account.traffic.add(sent.size, times=-1)
        self._observe(sent, said)
        is_news = sent.at > self._cut_at
        if is_news:
            self._refused_in_a_row += 1
            self._cut_at = now
        # Headers say more exactly than words what is shared.
        of_account = refusal.of_account and not said
        explained = self._explained(sent, said)
        reserve = max(RESERVE_S, min(LATE * (now - sent.at), LONGEST_RESERVE_S))
        self._pause(now, refusal, of_account=of_account, at_least_s=0.0 if explained else reserve)
        if not explained and (not is_news or self._refused_in_a_row == 1):
            learner = self._account.learner if of_account else self._learner
            amount = sent.size.of(refusal.kind)
            before = (sent.account if of_account else sent.own).of(refusal.kind) - amount
            learner.refused(refusal.kind, Refused(sent.at, amount, before), now)

    def pause(self, now: float, seconds: float) -> None:
        """The provider asked for a pause without refusing for a limit (overloaded)."""
        self._paused_until = max(self._paused_until, now + min(seconds, LONGEST_RETRY_AFTER_S))

    def forget_refusals(self) -> None:
        self._paused_until = self._account.paused_until = 0.0
        self._refused_in_a_row = 0
        for learner in (self._learner, self._account.learner):
            learner.forget()

    def paused_s(self, now: float) -> float:
        return max(0.0, self._paused_until - now, self._account.paused_until - now)

    def _observe(self, sent: SentRequest, said: Sequence[Allowance]) -> None:
        for one in said:
            if one.kind not in self._allowances:
                self._allowances[one.kind] = TrackedAllowance(one.kind, self._account)
            allowance = self._allowances[one.kind]
            allowance.observe(one, sent_at=sent.at, own=sent.own, account=sent.account)

    def _explained(self, sent: SentRequest, said: Sequence[Allowance]) -> bool:
        reasons = [self._allowances[one.kind].refused(one, sent.size.of(one.kind)) for one in said]
        return any(reasons)

    def _pause(self, now: float, refusal: Refusal, *, of_account: bool, at_least_s: float) -> None:
        pause = refusal.retry_after_s
        if pause is None:
            doubled = FIRST_BACKOFF_S * 2.0 ** min(self._refused_in_a_row - 1, 20)
            pause = min(doubled, LONGEST_BACKOFF_S) if self._refused_in_a_row > 1 else 0.0
        until = now + min(max(pause, at_least_s), LONGEST_RETRY_AFTER_S)
        self._paused_until = max(self._paused_until, until)
        if of_account:
            self._account.paused_until = max(self._account.paused_until, until)
