"""How the servers of one model did, by the log: requests, failures, and time out of order. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from judgeforge.results.figures.attempts import STARTS, Attempts
from judgeforge.store.manifest import ReplicaTotals


@dataclass(slots=True)
class ReplicaCalls(Attempts):
    """At one server, over all starts that the log knows."""

    outages: int = 0
    """How often its circuit opened."""
    out_of_order_s: float = 0.0
    out_since: str | None = None
    """The time at which it opened (ISO 8601); None while it is in order."""

    def totals(self, address: str, now: str | None) -> ReplicaTotals:
        """``now``: the time of the last line."""
        lasting = 0.0 if self.out_since is None else _seconds(self.out_since, now)
        return ReplicaTotals(
            address=address,
            requests=self.attempts,
            replies=self.replies,
            failures=dict(self.failures),
            outages=self.outages,
            out_of_order_s=round(self.out_of_order_s + lasting, 3),
            is_out_of_order=self.out_since is not None,
        )


class ReplicaFigures:
    def __init__(self) -> None:
        self.models: defaultdict[str, defaultdict[str, ReplicaCalls]] = defaultdict(
            lambda: defaultdict(ReplicaCalls)
        )
        """By model and address; only models that are asked at several servers."""
        self._last_time: str | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """A line of the log, in order. Raises KeyError where it is not one that a run writes."""
        event, before = row.get("event"), self._last_time
        self._last_time = row.get("time")
        if event in STARTS and self.models:
            self._end_all(before)  # a run that was killed says no more than its last line
        if row.get("replica") is None:
            return
        replica = self.models[str(row["model"])][str(row["replica"])]
        if event == "call":
            if replica.count(row):
                _end(replica, row["time"])
        elif event == "circuit_opened":
            replica.outages += 1
            replica.out_since = row["time"]
        elif event == "circuit_closed":
            _end(replica, row["time"])

    def totals(self) -> dict[str, tuple[ReplicaTotals, ...]]:
        """By model; what is out of order still, until the last line of the log."""
        return {
            model: tuple(
                one.totals(address, self._last_time) for address, one in sorted(each.items())
            )
            for model, each in self.models.items()
        }

    def _end_all(self, time: str | None) -> None:
        for replicas in self.models.values():
            for replica in replicas.values():
                _end(replica, time)


def _end(replica: ReplicaCalls, time: str | None) -> None:
    if replica.out_since is not None:
        replica.out_of_order_s += _seconds(replica.out_since, time)
        replica.out_since = None


def _seconds(since: str, until: str | None) -> float:
    try:
        begun, ended = datetime.fromisoformat(since), datetime.fromisoformat(until or since)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, (ended - begun).total_seconds())
