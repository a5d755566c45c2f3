"""A provider's token buckets as its headers tell them: a request waits before it is refused.

What remains now = what remained when a request was admitted, plus what flowed in since, less what
was sent after that request. Each reply sets it right again, so errors never add up.

Models of one account may draw from one bucket. A model's own explains its headers unless others
draw from it too: then what remains is less than expected by what the others used. The slope of
that error over the others' traffic is 0 for a bucket of one's own and near 1 for a shared one.
"""

from __future__ import annotations

import math

from judgeforge.calls.limits.headers import Allowance
from judgeforge.calls.limits.learned_rate import RateLearner
from judgeforge.calls.limits.queues import Rota
from judgeforge.calls.limits.traffic import AllowanceKind, Traffic

PERIOD_S = 60.0
"""Limits are a minute's, unless they take much longer to be whole again."""
LONGEST_RESET_S = 75.0
FIRST_MARGIN_S, LARGEST_MARGIN = 1.0, 0.5
FIRST_MARGIN = 0.25
"""Kept free against what cannot be known (other clients, delays): a share of the bucket and at most
this many seconds of inflow. It lowers the level that is kept, not the rate that is used."""
MARGIN_GROWTH = 1.5
SHARED_FROM = 0.25
"""The slope; buckets that are full or delayed news pull it down, nothing pulls it up."""
_MEMORY = 0.98
_LEAST_EVIDENCE = 30.0
_MOST_OTHERS = 10.0
"""Requests of others between two replies; after more the level is news, not evidence."""


class ProviderBucket:
    """Time is monotonic seconds and given by the caller; amounts are requests or tokens."""

    def __init__(self) -> None:
        self._remaining = 0.0
        self._sent_at = -1.0
        self._spent_then = 0.0
        self._rate = 0.0
        self._limit: float | None = None
        self._whole_at: float | None = None
        self._most = 0.0
        self._margin_growth = 1.0

    @property
    def limit(self) -> float | None:
        return self._limit

    @property
    def known(self) -> bool:
        return self._sent_at >= 0

    def observe(self, said: Allowance, *, sent_at: float, spent: float) -> float:
        """Set the level by a reply to a request of ``sent_at``; ``spent`` is all traffic up to it.

        Returns how far off the level was before (0 for the first reply). Replies to requests that
        were sent before the newest one known are older news and ignored.
        """
        if sent_at < self._sent_at:
            return 0.0
        error = said.remaining - self.level(sent_at, spent) if self.known else 0.0
        if said.limit != self._limit:
            self._limit, self._most, self._margin_growth = said.limit, 0.0, 1.0
        self._most = max(self._most, said.remaining)
        self._remaining, self._sent_at, self._spent_then = said.remaining, sent_at, spent
        self._whole_at = None if said.reset_s is None else sent_at + said.reset_s
        is_of_minute = said.reset_s is None or said.reset_s <= LONGEST_RESET_S
        self._rate = (said.limit or 0.0) / PERIOD_S if is_of_minute else 0.0
        return error

    def level(self, now: float, spent: float) -> float:
        """What the provider would still admit, as far as can be known."""
        used = spent - self._spent_then
        if self._whole_at is not None and now >= self._whole_at:
            return self._most - used
        return min(self._most, self._remaining + self._rate * (now - self._sent_at)) - used

    def wait_s(self, amount: float, now: float, spent: float) -> float:
        """Seconds until a request of this amount may be sent; 0 means now."""
        if not self.known:
            return 0.0
        need = min(amount + self._margin(), self._most)
        missing = need - self.level(now, spent)
        if missing <= 0:
            return 0.0
        waits = [] if self._whole_at is None else [self._whole_at - now]
        if self._rate > 0:
            waits.append(missing / self._rate)
        return max(0.0, min(waits, default=0.0))

    def explains(self, said: Allowance, amount: float) -> bool:
        """Whether a refusal is this bucket's: it has too little, and can hold enough."""
        return said.remaining < amount <= self._most

    def widen_margin(self) -> None:
        """A request was refused although the level seemed to suffice."""
        self._margin_growth = min(
            self._margin_growth * MARGIN_GROWTH, LARGEST_MARGIN / FIRST_MARGIN
        )

    def _margin(self) -> float:
        first = min(FIRST_MARGIN * self._most, FIRST_MARGIN_S * self._rate)
        return first * self._margin_growth


class SharedBucket(ProviderBucket):
    """A bucket that several models may share. The one that has waited longest is served first."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = Rota()
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


class ProviderAccount:
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

    def __init__(self, kind: AllowanceKind, account: ProviderAccount) -> None:
        self._kind, self._account = kind, account
        self._own = ProviderBucket()
        self._shared: SharedBucket | None = None
        self._own_then = self._all_then = 0

    def observe(self, said: Allowance, *, sent_at: float, own: Traffic, account: Traffic) -> None:
        own_total, all_total = own.of(self._kind), account.of(self._kind)
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
            return self._own.wait_s(amount, now, own.of(self._kind))
        spent = self._account.traffic.of(self._kind)
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
