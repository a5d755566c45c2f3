"""How the calls went, by the log. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from judgeforge.results.figures.attempts import STARTS, Attempts
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.replicas import ReplicaFigures
from judgeforge.store.manifest import BatchTotals

_BATCH_CREATED = "batch_created"
_EXPECTED = STARTS | {"run_ended"}


def together(one: float | None, other: float | None) -> float | None:
    """The sum of two costs; unknown where one of them is."""
    return None if one is None or other is None else one + other


@dataclass(slots=True)
class ModelCalls(Attempts):
    """Of one model, over all starts that the log knows."""

    repeats: int = 0
    """Attempts after the first of their call."""
    latency_s: Values = field(default_factory=Values)
    """Of replies; of those in batches none, which say nothing about the model."""
    in_batches: int = 0
    """Replies that came in a batch."""
    batch_usd: float | None = 0.0
    directly_usd: float | None = 0.0
    """What these cost, and what they would have cost if they had been asked directly."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    """None where a price is unknown."""

    def add(self, row: Mapping[str, Any]) -> None:
        self.repeats += row["attempt"] > 1
        if not self.count(row):
            return
        if row.get("batch") is None:
            self.latency_s.add(row["latency_s"])
        else:
            self.in_batches += 1
            self.batch_usd = together(self.batch_usd, row.get("cost_usd"))
            self.directly_usd = together(self.directly_usd, row.get("direct_cost_usd"))
        self.input_tokens += row.get("input_tokens") or 0
        self.output_tokens += row["output_tokens"]
        self.cost_usd = together(self.cost_usd, row.get("cost_usd"))


class CallFigures:
    def __init__(self) -> None:
        self.models: defaultdict[str, ModelCalls] = defaultdict(ModelCalls)
        self.starts = 0
        """Of the run, with those that went on."""
        self.events: Counter[str] = Counter()
        """Other lines of the log, by event."""
        self.replicas = ReplicaFigures()

    @property
    def in_batches(self) -> int:
        """Replies that came in a batch, of all models."""
        return sum(model.in_batches for model in self.models.values())

    @property
    def batches(self) -> int:
        return self.events[_BATCH_CREATED]

    def batch_totals(self) -> BatchTotals | None:
        """None where nothing was answered in a batch."""
        if not self.in_batches:
            return None
        cost: float | None = 0.0
        directly: float | None = 0.0
        for model in self.models.values():
            cost = together(cost, model.batch_usd)
            directly = together(directly, model.directly_usd)
        return BatchTotals(
            batches=self.batches, replies=self.in_batches, cost_usd=cost, directly_usd=directly
        )

    def add(self, row: Mapping[str, Any]) -> None:
        """A line that no run writes is passed over."""
        event = row.get("event")
        with suppress(KeyError, TypeError):
            self.replicas.add(row)
        if event != "call":
            self.starts += event in STARTS
            if isinstance(event, str) and event not in _EXPECTED:
                self.events[event] += 1
            return
        try:
            self.models[str(row["model"])].add(row)
        except (KeyError, TypeError):
            self.events["lines that could not be read"] += 1
