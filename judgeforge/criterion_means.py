"""What was said of a completion, by criterion: for the table of pairs, `explain` and the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean

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
