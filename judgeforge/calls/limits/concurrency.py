"""How many requests of one model may be in flight, found while running.

Doubling, then additive increase, multiplicative decrease (Chiu and Jain, 1989; slow start as in
RFC 5681).
"""

from __future__ import annotations

from collections import deque

FIRST_LIMIT = 16
"""Doubled in each round trip: more at once would meet an unknown limit with many refusals."""
DECREASE = 0.7
SLOWER_DECREASE = 0.9
SLOW = 2.0
"""Latency counts as rising when the recent one is this many times the usual one."""
_RECENT, _USUAL = 0.2, 0.01
"""Weights of a new latency in the two moving means."""
_LEAST_SAMPLES = 30
_FEWEST_ENDS, _MOST_ENDS = 100, 400
"""How many are remembered: a round trip, within these bounds."""
_SCATTERED_SHARE = 0.05
"""Up to this share of the last ends, overloads are accidents of a server that is not overloaded."""


class ConcurrencyLimit:
    """From 1 to ``maximum``. Time is monotonic seconds, given by the caller."""

    def __init__(self, maximum: int) -> None:
        self._maximum = float(maximum)
        self._limit = float(min(maximum, FIRST_LIMIT))
        self._doubling = True
        self._cut_at = self._held_at = -1.0
        self._recent_s = self._usual_s = 0.0
        self._samples = 0
        self._ends: deque[bool] = deque(maxlen=min(max(maximum, _FEWEST_ENDS), _MOST_ENDS))
        """Whether each of the last was an overload."""

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def latency_s(self) -> float:
        """The usual one; 0 before the first reply."""
        return self._usual_s

    def held_back(self, now: float) -> None:
        """A request waits because too many are in flight."""
        self._held_at = now

    def succeeded(self, *, sent_at: float, now: float, in_flight: int) -> bool:
        """Returns whether the limit grew to another whole number.

        It grows only while in use: it was reached since this request was sent. Many replies come
        at once, so that fewer than the limit are in flight when the later ones are told.
        """
        self._ends.append(False)
        before = self.limit
        if self._is_slower(now - sent_at) and sent_at > self._cut_at:
            self._decrease(now, in_flight, SLOWER_DECREASE)
        elif in_flight >= before or self._held_at >= sent_at:
            step = 1.0 if self._doubling else 1.0 / self._limit
            self._limit = min(self._maximum, self._limit + step)
        return self.limit > before

    def refused(self, *, sent_at: float, now: float, in_flight: int) -> None:
        """A round trip of such replies counts once."""
        if sent_at > self._cut_at:
            self._decrease(now, in_flight, DECREASE)

    def overloaded(self, *, sent_at: float, now: float, in_flight: int) -> bool:
        """Overloaded or timed out. Returns whether it is more than an accident now and then."""
        self._ends.append(True)
        if sum(self._ends) <= max(2.0, _SCATTERED_SHARE * len(self._ends)):
            return False
        self.refused(sent_at=sent_at, now=now, in_flight=in_flight)
        return True

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
