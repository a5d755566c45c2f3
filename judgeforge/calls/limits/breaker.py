"""Circuit breaker: after repeated failures nothing is sent but a probe now and then.

Closed (all is sent) -> open (nothing is) -> half-open (one probe) -> closed, or open for twice as
long (Nygard, "Release It!").
"""

from __future__ import annotations

import math

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class CircuitBreaker:
    """Time is monotonic seconds, given by the caller."""

    def __init__(self, failures_to_open: int) -> None:
        self._failures_to_open = failures_to_open
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._probe_at: float | None = None
        """None while closed."""
        self._probing = False
        self.opened_at: float | None = None
        """Since when nothing but probes was sent; None while closed."""
        self.last_failure = ""

    @property
    def is_open(self) -> bool:
        return self._probe_at is not None

    def wait_s(self, now: float) -> float:
        """0 where a request may be sent; infinity while a probe is under way."""
        if self._probe_at is None:
            return 0.0
        return math.inf if self._probing else max(0.0, self._probe_at - now)

    def sent(self) -> bool:
        """Returns whether this request is the probe."""
        self._probing = self.is_open
        return self._probing

    def succeeded(self) -> bool:
        """Any answer closes it. Returns whether it was open."""
        was_open = self.is_open
        self._failures, self._pause_s = 0, FIRST_PAUSE_S
        self._probe_at = self.opened_at = None
        self._probing = False
        return was_open

    def failed(self, now: float, why: str, *, is_probe: bool) -> bool:
        """Returns whether this opened it. Late failures of earlier requests change nothing."""
        self._failures += 1
        self.last_failure = why
        if is_probe:
            self._probing = False
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._probe_at = now + self._pause_s
            return False
        if self.is_open or self._failures < self._failures_to_open:
            return False
        self.opened_at, self._probe_at = now, now + self._pause_s
        return True

    def probe_abandoned(self) -> None:
        """The probe told nothing (it was cancelled); the next request is one."""
        self._probing = False
