"""How many requests of one model may be in flight: doubling, then additive increase, multiplicative
decrease (Chiu and Jain, 1989; slow start as in RFC 5681)."""

from __future__ import annotations

SMALLEST_START = 16
DECREASE = 0.7
SLOWER_DECREASE = 0.9
SLOW = 2.0
"""Latency counts as rising when the recent one is so many times the usual one."""
_RECENT, _USUAL = 0.2, 0.01
"""Weights of a new latency in the two moving means."""
_LEAST_SAMPLES = 30


class ConcurrencyLimit:
    """From 1 to ``maximum``. Time is monotonic seconds, given by the caller."""

    def __init__(self, maximum: int) -> None:
        self._maximum = float(maximum)
        self._limit = float(min(maximum, max(SMALLEST_START, maximum // 2)))
        self._doubling = True
        self._cut_at = self._held_at = -1.0
        self._recent_s = self._usual_s = 0.0
        self._samples = 0

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def latency_s(self) -> float:
        """The usual one; 0 before the first reply."""
        return self._usual_s

    def held_back(self, now: float) -> None:
        """A request waits because so many are in flight."""
        self._held_at = now

    def succeeded(self, *, sent_at: float, now: float, in_flight: int) -> bool:
        """Returns whether the limit grew to another whole number.

        It grows only while in use: it was reached since this request was sent. Many replies come
        at once, so that fewer than the limit are in flight when the later ones are told.
        """
        before = self.limit
        if self._is_slower(now - sent_at) and sent_at > self._cut_at:
            self._decrease(now, in_flight, SLOWER_DECREASE)
        elif in_flight >= before or self._held_at >= sent_at:
            step = 1.0 if self._doubling else 1.0 / self._limit
            self._limit = min(self._maximum, self._limit + step)
        return self.limit > before

    def overloaded(self, *, sent_at: float, now: float, in_flight: int) -> None:
        """Refused, overloaded or timed out. A round trip of such replies counts once."""
        if sent_at > self._cut_at:
            self._decrease(now, in_flight, DECREASE)

    def _decrease(self, now: float, in_flight: int, factor: float) -> None:
        self._doubling = False
        self._cut_at = now
        used = min(self._limit, max(float(in_flight), self._limit * 0.5))
        self._limit = max(1.0, used * factor)

    def _is_slower(self, latency_s: float) -> bool:
        self._samples += 1
        if self._samples == 1:
            self._recent_s = self._usual_s = latency_s
            return False
        self._recent_s += _RECENT * (latency_s - self._recent_s)
        weight = max(_USUAL, 1.0 / self._samples)
        self._usual_s += weight * (latency_s - self._usual_s)
        return self._samples >= _LEAST_SAMPLES and self._recent_s > SLOW * self._usual_s
