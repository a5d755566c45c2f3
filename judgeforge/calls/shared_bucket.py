"""Whether models of one account draw from one allowance, told from what their headers say.

A model's own bucket explains its headers unless others draw from it too: then what remains is less
than expected by what the others used. The slope of that error over the others' traffic is 0 for a
bucket of one's own and near 1 for a shared one.
"""

from __future__ import annotations

import math

from judgeforge.calls.provider_bucket import ProviderBucket
from judgeforge.calls.rate_headers import Allowance
from judgeforge.calls.rate_learner import RateLearner
from judgeforge.calls.request_size import AllowanceKind, Traffic
from judgeforge.calls.turns import Turns

SHARED_FROM = 0.25
"""The slope; buckets that are full or delayed news pull it down, nothing pulls it up."""
_MEMORY = 0.98
_LEAST_EVIDENCE = 30.0
_MOST_OTHERS = 10.0
"""Requests of others between two replies; after more the level is news, not evidence."""


class SharedBucket(ProviderBucket):
    """A bucket that several models may share. Who has waited longest is served first."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = Turns()
        self._slope_over = self._slope_under = 0.0

    @property
    def is_shared(self) -> bool:
        return (
            self._slope_under >= _LEAST_EVIDENCE
            and self._slope_over > SHARED_FROM * self._slope_under
        )

    def weigh(self, missing: float, others: float) -> None:
        """Less remained than one model alone explains, by ``missing``; in mean requests."""
        if 0 < others <= _MOST_OTHERS:
            self._slope_over = _MEMORY * self._slope_over + missing * others
            self._slope_under = _MEMORY * self._slope_under + others * others

    def wait_in_turn_s(self, owner: object, amount: float, now: float, spent: float) -> float:
        one_s = amount / self._rate if self._rate > 0 else math.inf
        return self._turns.wait_s(owner, self.wait_s(amount, now, spent), now, one_s=one_s)

    def served(self, owner: object) -> None:
        self._turns.served(owner)


class Account:
    """What the models at one provider, address and key have in common."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.paused_until = 0.0
        self.learner = RateLearner(self.traffic)
        self._buckets: dict[tuple[AllowanceKind, float | None], SharedBucket] = {}

    def bucket(self, kind: AllowanceKind, limit: float | None) -> SharedBucket:
        """Models of equal limits may share one; unequal ones cannot."""
        return self._buckets.setdefault((kind, limit), SharedBucket())


class TrackedAllowance:
    """One kind of allowance of one model, as its own and as the account's."""

    def __init__(self, kind: AllowanceKind, account: Account) -> None:
        self._kind, self._account = kind, account
        self._own = ProviderBucket()
        self._shared: SharedBucket | None = None
        self._own_then = self._all_then = 0

    def observe(self, said: Allowance, *, sent_at: float, own: Traffic, account: Traffic) -> None:
        own_total, all_total = own.total(self._kind), account.total(self._kind)
        was_known = self._own.known
        error = self._own.observe(said, sent_at=sent_at, spent=own_total)
        self._shared = self._account.bucket(self._kind, said.limit)
        self._shared.observe(said, sent_at=sent_at, spent=all_total)
        mine = own_total - self._own_then
        if mine <= 0:
            return
        others = (all_total - self._all_then) - mine
        if was_known:
            request = own_total / max(own.requests, 1)
            self._shared.weigh(-error / request, others / request)
        self._own_then, self._all_then = own_total, all_total

    def wait_s(self, amount: float, now: float, own: Traffic) -> float:
        if self._shared is None or not self._shared.is_shared:
            return self._own.wait_s(amount, now, own.total(self._kind))
        spent = self._account.traffic.total(self._kind)
        return self._shared.wait_in_turn_s(self, amount, now, spent)

    def sent(self) -> None:
        if self._shared is not None:
            self._shared.served(self)

    def refused(self, said: Allowance, amount: float) -> bool:
        """Returns whether this allowance explains the refusal."""
        if not self._own.explains(said, amount):
            return False
        self._own.widen_margin()
        if self._shared is not None:
            self._shared.widen_margin()
        return True
