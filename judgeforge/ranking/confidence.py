"""P(one completion is better than another, or equal), and P(one is the best of its prompt). Pure.

Everything asks these. The gap of two completions has the tails of the difference of two errors
(`distributions.py`); how likely two are equal is in `outcomes.py`. What code has decided, by a veto
or by exact scores, is certain.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from judgeforge.ranking.distributions import (
    Array,
    error_cdf,
    error_from_normal,
    gap_cdf_approximated,
    gap_cdf_array,
    gap_quantile,
)
from judgeforge.ranking.outcomes import Outcome, outcome_of
from judgeforge.ranking.ranking import Ranking

_LEAST_VARIANCE = 1e-12
"""What rounding leaves of the variance of a gap without any doubt."""
_FURTHEST_DEVIATIONS, _BISECTIONS = 1e6, 80
_NEXT_TO_CERTAIN = math.nextafter(1.0, 0.0)


def outcome(ranking: Ranking, first_id: str, second_id: str) -> Outcome:
    """Of the first completion against the second: better, equal, worse."""
    vetoed = ranking.vetoed
    if (first_id in vetoed) != (second_id in vetoed):
        return Outcome(float(second_id in vetoed), 0.0, float(first_id in vetoed))
    first, second = (ranking.completion_ids.index(one) for one in (first_id, second_id))
    gap, variance, before = gap_of(ranking, first, second)
    if variance > 0:
        return outcome_of(ranking, first, second, gap=gap, variance=variance, before=before)
    if gap:
        return Outcome(float(gap > 0), 0.0, float(gap < 0))
    return Outcome(0.5, 0.0, 0.5) if ranking.prior is None else Outcome(0.0, 1.0, 0.0)


def probability_better(ranking: Ranking, first_id: str, second_id: str) -> float:
    """P(the first completion is better than the second), 0 to 1; equal ones are not."""
    return outcome(ranking, first_id, second_id).better


def probability_ahead(ranking: Ranking, first_id: str, second_id: str) -> float:
    """The same if the two were known to differ, and the posterior's spread to be right: what labels
    are compared with, for whom a tie is half of either."""
    return outcome(ranking.model_copy(update={"prior": None}), first_id, second_id).better


def probabilities_better(gaps: Array, variances: Array) -> Array:
    """The same of gaps (first less second) and their variances, in any shape, without vetoes.

    By a faster approximation, within 1.5e-7 of the other.
    """
    return gap_cdf_array(gaps / np.sqrt(np.maximum(variances, _LEAST_VARIANCE)))


def exceeded_gap(ranking: Ranking, first_id: str, second_id: str, probability: float) -> float:
    """The gap, first less second, that is exceeded with ``probability`` (above 0, at most 1).

    At 0 or more exactly where ``probability_better`` is at least ``probability``, but for rounding.
    With a prior of equal completions it is the gap less as many standard deviations as would make
    ``probability_better`` that probability.
    """
    first, second = (ranking.completion_ids.index(one) for one in (first_id, second_id))
    gap, variance, before = gap_of(ranking, first, second)
    if variance > 0 and ranking.prior is None:
        gap -= gap_quantile(min(_NEXT_TO_CERTAIN, probability)) * math.sqrt(variance)
    elif variance > 0:

        def better(deviations: float) -> float:
            found = deviations * math.sqrt(variance)
            return outcome_of(
                ranking, first, second, gap=found, variance=variance, before=before
            ).better

        gap -= _reached(better, probability) * math.sqrt(variance)
    certain = second_id in ranking.vetoed and first_id not in ranking.vetoed
    return max(0.0, gap) if certain else gap


def _reached(rising: Callable[[float], float], value: float) -> float:
    """Where ``rising`` is ``value``, by bisection."""
    low, high = -_FURTHEST_DEVIATIONS, _FURTHEST_DEVIATIONS
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if rising(middle) >= value else (middle, high)
    return high


def gap_of(ranking: Ranking, first: int, second: int) -> tuple[float, float, float]:
    """Mean and variance of the gap of two places, and its variance before the judgments."""
    cov, prior = ranking.covariance, ranking.prior
    variance = cov[first][first] + cov[second][second] - 2 * cov[first][second]
    before = 0.0 if prior is None else prior.sds[first] ** 2 + prior.sds[second] ** 2
    return ranking.scores[first] - ranking.scores[second], variance, max(before, variance)


_NORMAL: Array = np.linspace(-4.0, 4.0, 17)
_DENSITY: Array = np.exp(-0.5 * _NORMAL**2) / np.exp(-0.5 * _NORMAL**2).sum()
_ERRORS = error_from_normal(_NORMAL)
_SMALLEST_VARIANCE = 1e-10


def best_probabilities(means: Array, covariance: Array) -> Array:
    """Shapes (..., n) and (..., n, n) -> (..., n), each row summing to 1.

    Exact for two completions and wherever qualities differ by independent errors and a common one;
    otherwise the independent errors whose differences have the nearest variances stand in.
    """
    return best_given(means, own_deviations(covariance))


def own_deviations(covariance: Array) -> Array | None:
    """Standard deviations (..., n) of the independent errors; None where nothing is in doubt."""
    if covariance.shape[-1] == 1:
        return np.zeros(covariance.shape[:-1])
    variances = _own_variances(covariance)
    if not (variances > _SMALLEST_VARIANCE).any():
        return None
    return np.sqrt(np.maximum(variances, _SMALLEST_VARIANCE))


def best_given(means: Array, sd: Array | None) -> Array:
    """``best_probabilities`` with the ``own_deviations`` of the covariance."""
    n = means.shape[-1]
    if n == 1:
        return np.ones_like(means)
    if sd is None:
        top = means == means.max(-1, keepdims=True)
        return np.asarray(top / top.sum(-1, keepdims=True), dtype=np.float64)
    if means.ndim == 1 and n == 2:  # of most runs
        gap, variance = float(means[0] - means[1]), float(sd[0] ** 2 + sd[1] ** 2)
        better = gap_cdf_approximated(gap / math.sqrt(max(variance, _LEAST_VARIANCE)))
        return np.array((better, 1.0 - better))
    if n == 2:
        first = probabilities_better(means[..., 0] - means[..., 1], (sd**2).sum(-1))
        return np.stack([first, 1.0 - first], axis=-1)
    values = means[..., :, None] + sd[..., :, None] * _ERRORS
    z = (values[..., :, None, :] - means[..., None, :, None]) / sd[..., None, :, None]
    below = error_cdf(z)
    own = np.arange(n)
    below[..., own, own, :] = 1.0
    chances = below.prod(axis=-2) @ _DENSITY
    return np.asarray(chances / chances.sum(-1, keepdims=True), dtype=np.float64)


def _own_variances(covariance: Array) -> Array:
    """v with v_i + v_k nearest to Var(q_i - q_k) for all pairs (least squares)."""
    n = covariance.shape[-1]
    diagonal = np.diagonal(covariance, axis1=-2, axis2=-1)
    gaps = diagonal[..., :, None] + diagonal[..., None, :] - 2.0 * covariance
    rows = gaps.sum(-1)
    if n == 2:
        return np.asarray(rows / 2.0, dtype=np.float64)
    total = rows.sum(-1, keepdims=True) / (2.0 * (n - 1))
    return np.asarray(np.maximum((rows - total) / (n - 2), 0.0), dtype=np.float64)
