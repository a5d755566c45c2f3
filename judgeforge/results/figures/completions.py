"""What can be counted of the completions, by the model that wrote them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgeforge.records import suspicious_flag
from judgeforge.results.figures.calls import together
from judgeforge.results.figures.distribution import Values
from judgeforge.store.evidence_rows import completion_fields

FINISHED = ("stop", "given")
"""How completions end that are whole."""


@dataclass(slots=True)
class Sampled:
    """Completions of one model. Scores and lengths are of those that were judged."""

    completions: int = 0
    finishes: Counter[str] = field(default_factory=Counter)
    cost_usd: float | None = 0.0
    """None where a price is unknown."""
    score: Values = field(default_factory=Values)
    characters: Values = field(default_factory=Values)
    p_best: float = 0.0
    """Sum of the probabilities to be the best of the prompt: prompts that it is expected to win."""

    def add(self, row: Mapping[str, Any]) -> None:
        self.completions += 1
        self.finishes[str(row.get("finish"))] += 1
        self.cost_usd = together(self.cost_usd, row.get("cost_usd"))
        if row.get("score") is not None:
            self.score.add(row["score"])
            self.characters.add(len(row["text"]))
            self.p_best += row.get("p_best") or 0.0

    @property
    def unfinished(self) -> int:
        """Cut, refused, withheld, empty or failed."""
        return self.completions - sum(self.finishes[finish] for finish in FINISHED)


class CompletionFigures:
    def __init__(self) -> None:
        self.models: dict[str, Sampled] = {}
        self.duplicates = 0
        self.suspicious: Counter[str] = Counter()
        """Completions by flag."""

    def add_prompt(self, completions: Sequence[Mapping[str, Any]]) -> None:
        for row in completions:
            name = str(row["model"])
            if name not in self.models:
                self.models[name] = Sampled()
            self.models[name].add(row)
            told = completion_fields(row)
            self.duplicates += told["duplicate_of"] is not None
            self.suspicious.update(map(suspicious_flag, told["signs"]))
