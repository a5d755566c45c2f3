"""The rate that a provider admits, learned from its refusals alone.

Between two refusals a provider has admitted exactly what flowed into its bucket, so what was
accepted between them is its rate. From there the rate is raised in steps that are the larger the
longer nothing is refused (as CUBIC does, RFC 9438), and a refusal takes it back. One model and one
account each have a learner, with a rate in requests and one in tokens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from judgeforge.calls.limits.queues import Rota
from judgeforge.calls.limits.traffic import RequestSize, Traffic

LearnedKind = Literal["requests", "tokens"]

RETURN_S = 3.0
"""After a refusal the rate comes back to what was measured within this time."""
CUT, DEEP_CUT = 0.95, 0.7
"""After a refusal; the deeper one where too little was accepted to measure anything."""
ACCELERATION = 0.003
"""Share of the rate, times the cube of the seconds since it was back: doubled after 7 s."""
STABLE_ACCELERATION = 0.001
"""Half as fast after each measure that agrees with the one before, down to this: doubled after
10 s. To look at a limit that has not moved costs refusals, the more, the later they arrive."""
FIRST_ACCELERATION = 0.05
"""As long as the rate is a guess: doubled after 3 s."""
LEAST_WINDOW_S, LEAST_ACCEPTED = 0.1, 2
"""The first refusals measure a rate if they span this time and requests passed among them."""
SHORTEST_MEASURE_S = 0.5
RECENT_S = 3.0
STABLE = 0.12
"""Measures that differ by less mean that the limit is the same."""
LATE_S = 0.05
"""A timer that fires late may make up for this much."""
_MOST_STEP_S = 0.5
_SNAPSHOT_S, _SNAPSHOTS = 1.0, 4
_SLOWEST = 1e-3


class LearnedRate:
    """Amounts a second (requests or tokens). Time is monotonic seconds, given by the caller.

    ``accepted`` is everything that was sent and not refused so far.
    """

    def __init__(
        self, rate: float, now: float, accepted: float, acceleration: float = FIRST_ACCELERATION
    ) -> None:
        self._peak, self._acceleration = rate, acceleration
        self._age = RETURN_S
        """Seconds since the last refusal in which the rate was what held requests back."""
        self._due = self._last_sent = now
        self._refused_at, self._accepted_then = now, accepted
        self._measured: float | None = None
        """Where to go back to if the last guess was too high."""
        self._recent: deque[tuple[float, float]] = deque([(now, accepted)])

    @property
    def rate(self) -> float:
        if self._age < RETURN_S:
            missing = (RETURN_S - self._age) / RETURN_S
            return self._peak * (1.0 - (1.0 - CUT) * missing**3)
        beyond: float = self._age - RETURN_S
        return self._peak * (1.0 + self._acceleration * beyond**3)

    def wait_s(self, now: float) -> float:
        return max(0.0, self._due - now)

    def sent(self, amount: float, now: float, accepted: float, *, held_back: bool) -> None:
        """``held_back``: the request had to wait for this rate."""
        if held_back:
            self._age += min(now - self._last_sent, _MOST_STEP_S)
        self._last_sent = now
        self._due = max(self._due, now - LATE_S) + amount / self.rate
        self._recent.append((now, accepted))
        while now - self._recent[0][0] > RECENT_S:
            self._recent.popleft()

    def refused(self, now: float, accepted: float) -> None:
        """A request that was sent at the present rate was refused."""
        elapsed, reached, before = now - self._refused_at, self.rate, self._peak
        admitted = (accepted - self._accepted_then) / max(elapsed, 1e-9)
        acceleration = ACCELERATION
        if elapsed < SHORTEST_MEASURE_S or admitted <= 0:
            # What was measured before may be above what has been reached since.
            self._peak = min(self._measured or reached * DEEP_CUT, reached)
            self._measured = None
        elif self._age < RETURN_S or abs(admitted / before - 1.0) < STABLE:
            self._peak, self._measured = min(admitted, reached), None
            slower = max(self._acceleration / 2.0, STABLE_ACCELERATION)
            acceleration = min(slower, ACCELERATION)
        else:
            # The limit may have risen in between, and then the mean says too little.
            self._peak = min(self._recently_accepted(now, accepted), reached)
            self._measured = min(admitted, reached)
        self._age, self._acceleration = 0.0, acceleration
        self._refused_at, self._accepted_then = now, accepted

    def _recently_accepted(self, now: float, accepted: float) -> float:
        start, then = self._recent[0]
        return max((accepted - then) / max(now - start, SHORTEST_MEASURE_S), self._peak)


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was refused: when it was sent, its amount, and all traffic before it."""

    sent_at: float
    amount: float
    before: float


@dataclass(slots=True)
class _FirstRefusals:
    """Of one kind, until all that was under way with them has ended."""

    earliest: Refused
    start: float
    at_start: float
    """When the traffic was last looked at before, and what it was."""
    cut_at: float

    def rate(self, accepted: float, now: float) -> LearnedRate:
        """What was accepted among requests that were refused is the limit, without what could come
        at once before: from the first that was refused to the last that was sent."""
        mean = (accepted - self.at_start) / max(self.cut_at - self.start, _SNAPSHOT_S)
        window, among = self.cut_at - self.earliest.sent_at, accepted - self.earliest.before
        if window < LEAST_WINDOW_S or among < LEAST_ACCEPTED * self.earliest.amount:
            return LearnedRate(max(mean, _SLOWEST), now, accepted)
        return LearnedRate(max(min(mean, among / window), _SLOWEST), now, accepted, ACCELERATION)


class RateLearner:
    """No rate is known until the first refusals have come.

    Time is monotonic seconds, given by the caller.
    """

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._rates: dict[LearnedKind, LearnedRate] = {}
        self._first: dict[LearnedKind, _FirstRefusals] = {}
        self._turns = Rota()
        self._snapshots: deque[tuple[float, Traffic]] = deque(maxlen=_SNAPSHOTS)
        self._cut_at = -1.0

    def wait_s(self, owner: object, size: RequestSize, now: float) -> float:
        """``owner`` takes turns with others that share the rate."""
        self._measure_first(now)
        for kind, rate in self._rates.items():
            one_s = size.of(kind) / rate.rate
            wait = self._turns.wait_s(owner, rate.wait_s(now), now, one_s=one_s)
            if wait > 0:
                return wait
        return 0.0

    def sent(self, owner: object, size: RequestSize, now: float, *, held_back: bool) -> None:
        """To be told before the traffic counts the request."""
        self._measure_first(now)
        if not self._snapshots or now - self._snapshots[-1][0] >= _SNAPSHOT_S:
            self._snapshots.append((now, self._traffic.snapshot()))
        if not self._rates:
            return
        self._turns.served(owner)
        for kind, rate in self._rates.items():
            amount = size.of(kind)
            accepted = self._traffic.of(kind) + amount
            rate.sent(amount, now, accepted, held_back=held_back)

    def refused(self, kind: LearnedKind, one: Refused, now: float) -> None:
        """The traffic does not count the refused request any more. Of those that were sent before
        the rate was cut last, only the first ones of all say something."""
        first = self._first.get(kind)
        if first is not None and one.sent_at < first.earliest.sent_at:
            first.earliest = one
        if one.sent_at <= self._cut_at:
            return
        self._cut_at = now
        known = self._rates.get(kind)
        if known is not None:
            known.refused(now, self._traffic.of(kind))
        elif first is None:
            start, traffic = self._snapshots[0]
            self._first[kind] = _FirstRefusals(one, start, traffic.of(kind), now)

    def forget(self) -> None:
        """No rate is known again."""
        self._rates.clear()
        self._first.clear()

    def _measure_first(self, now: float) -> None:
        """To be asked once the pause after a refusal is over. Where nothing was accepted at all,
        there is nothing to measure: the pauses are what holds requests back."""
        if self._first:
            for kind, first in self._first.items():
                if (accepted := self._traffic.of(kind)) > 0:
                    self._rates[kind] = first.rate(accepted, now)
            self._first.clear()
