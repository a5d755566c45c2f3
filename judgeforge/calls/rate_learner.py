"""The learned rates of one model or one account, in requests and in tokens."""

from __future__ import annotations

from collections import deque
from typing import Literal

from judgeforge.calls.learned_rate import LearnedRate
from judgeforge.calls.request_size import RequestSize, Traffic
from judgeforge.calls.turns import Turns

LearnedKind = Literal["requests", "tokens"]
_SNAPSHOT_S, _SNAPSHOTS = 1.0, 4
_SLOWEST = 1e-3


class RateLearner:
    """There is no rate until the first refusal. Time is monotonic seconds, given by the caller."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._rates: dict[LearnedKind, LearnedRate] = {}
        self._turns = Turns()
        self._snapshots: deque[tuple[float, Traffic]] = deque(maxlen=_SNAPSHOTS)
        self._cut_at = -1.0

    def wait_s(self, owner: object, size: RequestSize, now: float) -> float:
        """``owner`` takes turns with others that share the rate."""
        for kind, rate in self._rates.items():
            one_s = size.of(kind) / rate.rate
            wait = self._turns.wait_s(owner, rate.wait_s(now), now, one_s=one_s)
            if wait > 0:
                return wait
        return 0.0

    def sent(self, owner: object, size: RequestSize, now: float, *, held_back: bool) -> None:
        """To be told before the traffic counts the request."""
        if not self._snapshots or now - self._snapshots[-1][0] >= _SNAPSHOT_S:
            self._snapshots.append((now, self._traffic.snapshot()))
        if not self._rates:
            return
        self._turns.served(owner)
        for kind, rate in self._rates.items():
            amount = size.of(kind)
            accepted = self._traffic.total(kind) + amount
            rate.sent(amount, now, accepted, held_back=held_back)

    def refused(self, kind: LearnedKind, sent_at: float, now: float) -> None:
        """The traffic does not count the refused request any more."""
        if sent_at <= self._cut_at:
            return
        self._cut_at = now
        accepted = self._traffic.total(kind)
        known = self._rates.get(kind)
        if known is not None:
            known.refused(now, accepted)
            return
        start, before = self._snapshots[0]
        rate = (accepted - before.total(kind)) / max(now - start, _SNAPSHOT_S)
        self._rates[kind] = LearnedRate(max(rate, _SLOWEST), now, accepted)
