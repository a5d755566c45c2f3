"""What a run is doing just now, by the lines of its log as they come. Pure, and bounded: it keeps
counts, the times of the last minute, and the last errors."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from judgeforge.results.figures.attempts import RATE_LIMITED, STARTS, Attempts

MINUTE_S = 60.0
_LATENCIES, _ERRORS = 200, 8
_EXPECTED = STARTS | frozenset(
    {"call", "run_ended", "circuit_opened", "circuit_closed", "judge_replies"}
    | {"batch_created", "batch_ended"}
)


@dataclass(frozen=True, slots=True)
class ModelActivity:
    """Of one model, since the start of the run or since where the log is read from."""

    model: str
    calls: int
    """Requests that have ended."""
    replies: int
    per_minute: float
    """Requests that ended in the last minute."""
    refused_lately: int
    """Of these, HTTP 429."""
    failures: Mapping[str, int]
    """Requests without a reply, by HTTP status or by kind."""
    latency_s: float | None
    """The median of the last replies; None before the first, and where all came in batches."""
    out_of_order_s: float | None
    """For how long it, or one of its servers, is only tried now and then; None while it is not."""
    servers: tuple[str, ...]
    """Which of several servers are out of order."""
    last_failure: str | None


@dataclass(frozen=True, slots=True)
class RecentError:
    time: str
    """Of the last time (UTC, ISO 8601)."""
    model: str
    error: str
    times: int


@dataclass(slots=True)
class _Model(Attempts):
    ended: deque[tuple[float, bool]] = field(default_factory=deque)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    out_since: dict[str, float] = field(default_factory=dict)
    """By server; a model that has one has it under the empty name."""
    last_failure: str | None = None

    def forget_before(self, least: float) -> None:
        while self.ended and self.ended[0][0] < least:
            self.ended.popleft()


class Activity:
    def __init__(self) -> None:
        self.sees_start = False
        """Whether the lines go back to the start of the run."""
        self._forget()

    def _forget(self) -> None:
        self._models: dict[str, _Model] = {}
        self._errors: OrderedDict[tuple[str, str], RecentError] = OrderedDict()
        self.events: Counter[str] = Counter()
        """Other lines, by event."""
        self.since: float | None = None
        """Unix time of the first line that counts."""
        self.last_call: float | None = None
        self.failing: Mapping[str, Any] | None = None
        """The line of the last call, where it has an error."""

    def add(self, row: Mapping[str, Any]) -> None:
        """A line of the log, in order; what no run writes is passed over."""
        at, event = _unix_time(row.get("time")), row.get("event")
        if at is None or not isinstance(event, str):
            return
        if event in STARTS:
            self._forget()
            self.sees_start = True
        self.since = at if self.since is None else self.since
        if event == "call":
            self._add_call(at, row)
        elif event == "circuit_opened":
            self._model(row).out_since.setdefault(str(row.get("replica") or ""), at)
        elif event == "circuit_closed":
            self._model(row).out_since.pop(str(row.get("replica") or ""), None)
        if event not in _EXPECTED:
            self.events[event] += 1
        if event not in {"call", "hedged"} and row.get("error") is not None:
            self._add_error(row)

    def models(self, now: datetime) -> tuple[ModelActivity, ...]:
        """By name."""
        return tuple(
            self._activity(name, one, now.timestamp()) for name, one in sorted(self._models.items())
        )

    def errors(self) -> tuple[RecentError, ...]:
        """The last ones, the latest first; equal ones of a model are one."""
        return tuple(reversed(self._errors.values()))

    def is_out_of_order(self, model: str) -> bool:
        return model in self._models and bool(self._models[model].out_since)

    def silent_s(self, now: datetime) -> float | None:
        """Seconds since a call last ended, or since the start; None where nothing tells."""
        last = self.last_call or self.since
        return None if last is None else max(0.0, now.timestamp() - last)

    def _add_call(self, at: float, row: Mapping[str, Any]) -> None:
        model = self._model(row)
        self.last_call = at
        self.failing = None if row.get("error") is None else row
        model.ended.append((at, row.get("status") == RATE_LIMITED))
        model.forget_before(at - MINUTE_S)
        if not model.count({"outcome": None, **row}):
            model.last_failure = str(row.get("error") or row.get("outcome"))
            self._add_error({**row, "error": model.last_failure})
            return
        latency = row.get("latency_s")
        if isinstance(latency, int | float) and row.get("batch") is None:
            model.latencies.append(float(latency))

    def _add_error(self, row: Mapping[str, Any]) -> None:
        model, error = str(row.get("model") or ""), str(row["error"])
        before = self._errors.pop((model, error), None)
        times = 1 if before is None else before.times + 1
        self._errors[model, error] = RecentError(str(row["time"]), model, error, times)
        while len(self._errors) > _ERRORS:
            self._errors.popitem(last=False)

    def _model(self, row: Mapping[str, Any]) -> _Model:
        return self._models.setdefault(str(row.get("model")), _Model())

    def _activity(self, name: str, one: _Model, now: float) -> ModelActivity:
        one.forget_before(now - MINUTE_S)
        seen_s = min(MINUTE_S, max(1.0, now - (self.since or now)))
        return ModelActivity(
            model=name,
            calls=one.attempts,
            replies=one.replies,
            per_minute=len(one.ended) * MINUTE_S / seen_s,
            refused_lately=sum(refused for _, refused in one.ended),
            failures=dict(one.failures.most_common()),
            latency_s=median(one.latencies) if one.latencies else None,
            out_of_order_s=max(0.0, now - min(one.out_since.values())) if one.out_since else None,
            servers=tuple(sorted(filter(None, one.out_since))),
            last_failure=one.last_failure,
        )


def _unix_time(text: object) -> float | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
