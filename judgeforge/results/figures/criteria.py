"""Which criteria tell chosen from rejected. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

LEAST_DIFFERENCE = 0.005
"""Means that differ by less look equal in two digits."""


def criterion_means(judgments: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each criterion over judges and repeats; ``judgments``: the ``criteria`` of each.

    Those of a judgment on several completions at once are about none of them: leave them out.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for criteria in judgments:
        for name, score in criteria.items():
            scores[name].append(score)
    return {name: fmean(values) for name, values in scores.items()}


@dataclass(slots=True)
class Criterion:
    """Scores are 0 to 1, each averaged over judges and repeats."""

    pairs: int = 0
    """In which both sides have a score for it."""
    chosen: float = 0.0
    """Sum over pairs; so is ``rejected``."""
    rejected: float = 0.0
    for_chosen: int = 0
    against: int = 0
    """Pairs in which it favours rejected."""

    def add(self, chosen: float, rejected: float) -> None:
        self.pairs += 1
        self.chosen += chosen
        self.rejected += rejected
        self.for_chosen += chosen - rejected >= LEAST_DIFFERENCE
        self.against += rejected - chosen >= LEAST_DIFFERENCE

    @property
    def equal(self) -> int:
        return self.pairs - self.for_chosen - self.against


class CriterionFigures:
    def __init__(self) -> None:
        self.criteria: defaultdict[str, Criterion] = defaultdict(Criterion)

    def add_prompt(
        self, pairs: Sequence[Mapping[str, Any]], judgments: Sequence[Mapping[str, Any]]
    ) -> None:
        means = _means(judgments) if pairs else {}
        for pair in pairs:
            source = pair["provenance"]
            rejected = means.get(source["rejected_id"], {})
            for name, score in means.get(source["chosen_id"], {}).items():
                if name in rejected:
                    self.criteria[name].add(score, rejected[name])


def _means(judgments: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Completion -> criterion -> mean; judgments on several completions at once are about none."""
    criteria: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for row in judgments:
        shown = row["completion_ids"]
        if row.get("criteria") and len(shown) == 1:
            criteria[shown[0]].append(row["criteria"])
    return {completion: criterion_means(said) for completion, said in criteria.items()}
