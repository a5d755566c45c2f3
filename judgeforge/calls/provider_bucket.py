"""A provider's own token bucket, as its headers tell: so that a request waits before it is refused.

What remains now = what remained when a request was admitted, plus what flowed in since, less what
was sent after that request. Each reply sets it right again, so errors never add up.
"""

from __future__ import annotations

from judgeforge.calls.rate_headers import Allowance

PERIOD_S = 60.0
"""Limits are a minute's, unless they take much longer to be whole again."""
LONGEST_RESET_S = 75.0
FIRST_MARGIN_S, LARGEST_MARGIN = 1.0, 0.5
FIRST_MARGIN = 0.25
"""Kept free against what cannot be known (other clients, delays): a share of the bucket and at most
so many seconds of inflow. It lowers the level that is kept, not the rate that is used."""
MARGIN_GROWTH = 1.5


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
        """Seconds until a request of so much may be sent; 0 means now."""
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
