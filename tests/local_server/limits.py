"""Requests and tokens a minute, as providers enforce them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tests.local_server.record import Wire


@dataclass(frozen=True)
class Limits:
    """Each model has its own allowance; ``burst_s`` is how much of it may come at once."""

    rpm: float | None = None
    tpm: float | None = None
    burst_s: float = 1.0
    shared: bool = False
    """All models draw from one allowance."""
    headers: bool = True
    """Whether replies say what remains."""
    retry_after: bool = True
    """Whether refusals say when to come again."""


class _Bucket:
    def __init__(self, per_minute: float, burst_s: float) -> None:
        self.per_minute = per_minute
        self.rate = per_minute / 60.0
        self.capacity = max(1.0, self.rate * burst_s)
        self.level, self._at = self.capacity, 0.0

    def refill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + (now - self._at) * self.rate)
        self._at = now

    def wait_s(self, amount: float) -> float:
        """A request above the capacity is admitted once the bucket is full."""
        return max(0.0, (min(amount, self.capacity) - self.level) / self.rate)


class RateLimiter:
    """The buckets of one model under one set of limits."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.refused_for = "requests"
        """What the last refusal was for: requests or tokens."""
        self._requests = None if limits.rpm is None else _Bucket(limits.rpm, limits.burst_s)
        self._tokens = None if limits.tpm is None else _Bucket(limits.tpm, limits.burst_s)
        for bucket in (self._requests, self._tokens):
            if bucket is not None:
                bucket.refill(now)
                bucket.level = bucket.capacity

    def admit(self, tokens: int, now: float) -> float:
        """0 and the request is counted, else the seconds until it would be admitted."""
        self.refused_for = "requests"
        asked = [(b, n) for b, n in ((self._requests, 1.0), (self._tokens, float(tokens))) if b]
        for bucket, _ in asked:
            bucket.refill(now)
        wait = max((bucket.wait_s(amount) for bucket, amount in asked), default=0.0)
        if wait > 1e-9:
            if self._tokens is not None and wait == self._tokens.wait_s(float(tokens)):
                self.refused_for = "tokens"
            return wait
        for bucket, amount in asked:
            bucket.level -= amount
        return 0.0

    def headers(self, wire: Wire, unix_time: float) -> dict[str, str]:
        if not self._limits.headers:
            return {}
        named = {"requests": self._requests, "tokens": self._tokens}
        out: dict[str, str] = {}
        for name, bucket in named.items():
            if bucket is not None:
                if wire == "anthropic":
                    out |= _anthropic_headers(name, bucket, unix_time)
                else:
                    out |= _openai_headers(name, bucket)
        return out


def retry_headers(wait_s: float, wire: Wire) -> dict[str, str]:
    seconds = str(max(1, -int(-wait_s // 1)))
    if wire == "anthropic":
        return {"retry-after": seconds}
    return {"retry-after": seconds, "retry-after-ms": str(-int(-wait_s * 1000 // 1))}


def _openai_headers(name: str, bucket: _Bucket) -> dict[str, str]:
    reset_ms = int((bucket.capacity - bucket.level) / bucket.rate * 1000)
    return {
        f"x-ratelimit-limit-{name}": str(int(bucket.per_minute)),
        f"x-ratelimit-remaining-{name}": str(max(0, int(bucket.level))),
        f"x-ratelimit-reset-{name}": f"{max(0, reset_ms)}ms",
    }


def _anthropic_headers(name: str, bucket: _Bucket, unix_time: float) -> dict[str, str]:
    whole_at = unix_time + (bucket.capacity - bucket.level) / bucket.rate
    reset = datetime.fromtimestamp(whole_at, UTC)
    return {
        f"anthropic-ratelimit-{name}-limit": str(int(bucket.per_minute)),
        f"anthropic-ratelimit-{name}-remaining": str(max(0, int(bucket.level))),
        f"anthropic-ratelimit-{name}-reset": reset.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
