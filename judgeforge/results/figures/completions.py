"""What can be counted of the completions, by the model that wrote them. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from judgeforge.records import suspicious_flag
from judgeforge.results.figures.answers import add_answer
from judgeforge.results.figures.calls import together
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.length import LengthBias
from judgeforge.store.evidence_rows import completion_fields

FINISHED = ("stop", "given")
"""How completions end that are whole."""


@dataclass(slots=True)
class Sampled:
    """Completions of one model. Scores and lengths are of those that were judged."""

    completions: int = 0
    finishes: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Replies by what the server calls the model, as far as it says."""
    cut_prompts: list[int] = field(default_factory=list)
    """Tokens that the server counted, of each input that it may have cut."""
    cost_usd: float | None = 0.0
    """None where a price is unknown."""
    score: Values = field(default_factory=Values)
    characters: Values = field(default_factory=Values)
    p_best: float = 0.0
    """Sum of the probabilities to be the best of the prompt: prompts that it is expected to win."""

    def add(self, row: Mapping[str, Any]) -> None:
        self.completions += 1
        add_answer(row, self.answered, self.cut_prompts)
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
        self.models: defaultdict[str, Sampled] = defaultdict(Sampled)
        self.duplicates = 0
        self.suspicious: Counter[str] = Counter()
        """Completions by flag."""
        self.length_bias = LengthBias()

    def add_prompt(self, completions: Sequence[Mapping[str, Any]]) -> None:
        for row in completions:
            self.models[str(row["model"])].add(row)
        told = [completion_fields(row) for row in completions]
        self.duplicates += sum(one["duplicate_of"] is not None for one in told)
        self.suspicious.update(suspicious_flag(sign) for one in told for sign in one["signs"])
        self.length_bias.add_completions(
            [
                (row["score"], len(row["text"]))
                for row, one in zip(completions, told, strict=True)
                if row.get("score") is not None and one["duplicate_of"] is None
            ]
        )
