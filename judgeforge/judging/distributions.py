"""A judge's own probabilities for each criterion -> expected scores and their uncertainty. Pure.

A distribution is over the answers of one criterion from the worst to the best: its levels, or no
and yes. Answer k of n (from 0) stands for the score k / (n - 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from judgeforge.rubric import Criterion, Rubric

Distribution = tuple[float, ...]
"""Probabilities that sum to 1."""


@dataclass(frozen=True, slots=True)
class ExpectedScores:
    criteria: dict[str, float]
    """Criterion name -> expected score, 0 to 1."""
    score: float
    score_sd: float
    probabilities: dict[str, float]
    """The distributions: ``quality.1`` (lowest) to ``quality.5``, ``safe.no`` and ``safe.yes``."""


def answers_of(criterion: Criterion) -> list[str]:
    """The answers that a distribution is over: "1" to "n", or "no" and "yes"."""
    if criterion.levels is None:
        return ["no", "yes"]
    return [str(number) for number in range(1, len(criterion.levels) + 1)]


def expected_scores(rubric: Rubric, distributions: Mapping[str, Distribution]) -> ExpectedScores:
    """Over the criteria that have a distribution; their errors count as independent."""
    moments = {name: mean_and_variance(each) for name, each in distributions.items()}
    criteria = {name: mean for name, (mean, _) in moments.items()}
    total = sum(rubric.weights[name] for name in distributions)
    variance = sum(
        (rubric.weights[name] / total) ** 2 * variance for name, (_, variance) in moments.items()
    )
    return ExpectedScores(
        criteria=criteria,
        score=rubric.weighted_mean(criteria),
        score_sd=math.sqrt(variance),
        probabilities={
            f"{criterion.name}.{answer}": probability
            for criterion in rubric.judged
            if criterion.name in distributions
            for answer, probability in zip(
                answers_of(criterion), distributions[criterion.name], strict=True
            )
        },
    )


def mean_and_variance(distribution: Sequence[float]) -> tuple[float, float]:
    """Of the score, 0 to 1."""
    steps = len(distribution) - 1
    mean = sum(p * k / steps for k, p in enumerate(distribution))
    square = sum(p * (k / steps) ** 2 for k, p in enumerate(distribution))
    return min(1.0, mean), max(0.0, square - mean**2)
