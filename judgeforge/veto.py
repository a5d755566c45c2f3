"""Required checks: what code found out for certain outweighs what judges think. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.records import Judgment, Ranking

FAILED_SHARE = 0.5
"""A completion that failed scores this share of its own score times the lowest one that passed."""


def with_vetoes(ranking: Ranking, judgments: Sequence[Judgment]) -> Ranking:
    """The ranking with every completion that fails a required check below all that pass.

    Among themselves, those that fail keep their order, and so do those that pass; no completion
    that fails is the best while one passes. Where all fail, or none does, nothing changes. A
    ranking that honours them already comes back as it is.
    """
    failed = {j.completion_ids[0] for j in judgments if j.failed_required}
    vetoed = tuple(i for i in ranking.completion_ids if i in failed)
    if vetoed == ranking.vetoed or len(vetoed) in {0, len(ranking.completion_ids)}:
        return ranking
    passed = [i not in failed for i in ranking.completion_ids]
    lowest = min(score for score, passes in zip(ranking.scores, passed, strict=True) if passes)
    factors = [1.0 if passes else FAILED_SHARE * max(0.0, lowest) for passes in passed]
    best = [p if passes else 0.0 for p, passes in zip(ranking.p_best, passed, strict=True)]
    total = sum(best)
    if total <= 0.0:
        best, total = [float(passes) for passes in passed], float(sum(passed))
    return ranking.model_copy(
        update={
            "scores": tuple(
                s if passes else min(lowest, f * s)
                for f, s, passes in zip(factors, ranking.scores, passed, strict=True)
            ),
            "covariance": tuple(
                tuple(f * g * value for g, value in zip(factors, row, strict=True))
                for f, row in zip(factors, ranking.covariance, strict=True)
            ),
            "p_best": tuple(p / total for p in best),
            "vetoed": vetoed,
        }
    )
