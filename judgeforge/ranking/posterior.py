"""Scores and verdicts on the completions of one prompt -> a normal posterior of their qualities.

The model (docs/judging.md). Completion i has a quality q_i = mean + m + d_i, where m is shared by
the prompt. Judge j's score of it is a normal variable around its lasting opinion

    t_ij = mean + offset_j + scale_j (q_i - mean) + u_j + e_ij

with u_j its error about the prompt and e_ij its error about that completion; a score adds the noise
of one answer. A verdict on two completions follows Davidson's model on their gap. Scores are exact
linear algebra; verdicts are added by Newton's method on their concave likelihood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Comparison, Evidence
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability
from judgeforge.ranking.rewards import with_rewards_as_scores

_NEWTON_STEPS = 30
_CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class Posterior:
    """Normal over the n qualities, then over the opinions t_ij of each judge in ``judges``."""

    judges: tuple[str, ...]
    size: int
    """n, the number of completions."""
    mean: Array
    """(n + J n,)"""
    covariance: Array
    """(n + J n, n + J n)"""
    gain: Gain
    """Of the scores, the same for all prompts that were asked alike; without verdicts the
    covariance is that of it."""

    @property
    def qualities(self) -> tuple[Array, Array]:
        n = self.size
        return self.mean[:n], self.covariance[:n, :n]

    def opinion(self, judge: str, place: int) -> int:
        """Where t of this judge and completion stands in ``mean``."""
        return self.size * (1 + self.judges.index(judge)) + place


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """What the answers weigh, whatever they say: that depends on what each judge was asked."""

    prior: Array
    weights: Array
    covariance: Array
    rows: NDArray[np.intp]


_Pattern = tuple[tuple[str, int, int, float], ...]
"""(judge, place, number of answers, variance that the judge stated) of each cell."""


def posterior(
    evidence: Evidence, reliability: Reliability, *, judges: Sequence[str] | None = None
) -> Posterior:
    """``judges``: those whose opinions are wanted too, besides those who gave scores."""
    evidence = with_rewards_as_scores(evidence, reliability)
    n = len(evidence.completion_ids)
    scored = {cell.judge for cell in evidence.cells}
    names = tuple(sorted(scored | set(judges or ())))
    pattern = tuple((c.judge, c.place, len(c.scores), c.stated_variance) for c in evidence.cells)
    gain = _gain(pattern, names, n, reliability, known_writers(evidence, reliability))
    prior = gain.prior
    if reliability.length:
        prior = prior + _expected_by_length(evidence, names, reliability)
    mean, covariance = prior, gain.covariance
    if evidence.cells:
        seen = np.array([cell.mean for cell in evidence.cells])
        mean = prior + gain.weights @ (seen - prior[gain.rows])
    if evidence.comparisons:
        mean, covariance = _with_comparisons(mean, covariance, evidence, reliability)
    return Posterior(names, n, mean, covariance, gain)


def _expected_by_length(
    evidence: Evidence, names: Sequence[str], reliability: Reliability
) -> Array:
    """What lengths tell of the qualities, and so of all opinions, before any answer."""
    n = len(evidence.completion_ids)
    if len(evidence.log_lengths) != n:
        raise ValueError("this reliability corrects for length: give the texts of the completions")
    logs = np.array(evidence.log_lengths)
    scales = np.array([1.0, *(reliability.of(name).scale for name in names)])
    return np.asarray(np.kron(scales, reliability.length * (logs - logs.mean())))


# Where every judge answers everything, a few patterns cover all prompts. A cascade, or judges that
# state their doubt, make ever new ones: keeping more of them would only fill memory.
@lru_cache(maxsize=64)
def _gain(
    pattern: _Pattern,
    names: tuple[str, ...],
    n: int,
    reliability: Reliability,
    writers: tuple[str, ...],
) -> Gain:
    prior, covariance = prior_of(names, n, reliability, writers)
    rows = np.array([n * (1 + names.index(j)) + i for j, i, _, _ in pattern], dtype=np.intp)
    noise = [reliability.of(j).repeat_sd ** 2 / m + stated / m for j, _, m, stated in pattern]
    seen = covariance[np.ix_(rows, rows)] + np.diag(noise)
    weights = np.asarray(np.linalg.solve(seen, covariance[rows]).T, dtype=np.float64)
    return Gain(prior, weights, covariance - weights @ covariance[rows], rows)


@lru_cache(maxsize=256)
def prior_of(
    names: tuple[str, ...], n: int, reliability: Reliability, writers: tuple[str, ...] = ()
) -> tuple[Array, Array]:
    """Mean and covariance of the qualities and of all opinions before any answer.

    ``writers``: of the n completions, where their records count.
    """
    judges = [reliability.of(name) for name in names]
    scales = np.array([1.0, *(judge.scale for judge in judges)])
    offsets = np.array([0.0, *(judge.offset for judge in judges)])
    same, every = np.eye(n), np.ones((n, n))
    expected, spread = qualities_by_writer(writers, n, reliability)
    quality = reliability.prompt_sd**2 * every + spread
    covariance = np.asarray(np.kron(np.outer(scales, scales), quality), dtype=np.float64)
    for j, judge in enumerate(judges, start=1):
        block = slice(j * n, (j + 1) * n)
        covariance[block, block] += judge.prompt_sd**2 * every + judge.own_sd**2 * same
    prior: Array = np.repeat(reliability.mean + offsets, n) + np.kron(scales, expected)
    return prior, covariance


def known_writers(evidence: Evidence, reliability: Reliability) -> tuple[str, ...]:
    """Those of the completions; none where no record counts, so that all prompts are alike."""
    return evidence.writers if reliability.writers else ()


def qualities_by_writer(
    writers: Sequence[str], n: int, reliability: Reliability
) -> tuple[Array, Array]:
    """Mean (n,) and covariance (n, n) of the qualities around the mean of their prompt, before any
    answer. Completions of one writer share what is not known of its mean."""
    mean, covariance = np.zeros(n), reliability.quality_sd**2 * np.eye(n)
    for i, name in enumerate(writers):
        record = reliability.record(name)
        if record is None:
            continue
        mean[i] = record.mean
        same = np.array([other == name for other in writers], dtype=np.float64)
        covariance[i] = record.mean_sd**2 * same
        covariance[i, i] += record.spread**2
    return mean, covariance


def _with_comparisons(
    mean: Array, covariance: Array, evidence: Evidence, reliability: Reliability
) -> tuple[Array, Array]:
    """Newton's method finds the mode over the qualities; its curvature gives the covariance."""
    n = len(evidence.completion_ids)
    before, spread = mean[:n], covariance[:n, :n]
    verdicts = _Verdicts(evidence.comparisons, n, reliability)
    precision = np.asarray(np.linalg.inv(spread), dtype=np.float64)
    mode = _mode(verdicts, before, precision)
    _, curvature = verdicts.derivatives(mode)
    after = np.linalg.inv(precision + curvature)
    carry = covariance[:, :n] @ precision
    return mean + carry @ (mode - before), covariance - carry @ (spread - after) @ carry.T


def _mode(verdicts: _Verdicts, before: Array, precision: Array) -> Array:
    """Newton's method, with steps halved until they go uphill: with many verdicts against clear
    scores it would otherwise leap to and fro."""

    def height(qualities: Array) -> float:
        away = qualities - before
        return verdicts.log_likelihood(qualities) - 0.5 * float(away @ precision @ away)

    mode, reached = before, height(before)
    for _ in range(_NEWTON_STEPS):
        slope, curvature = verdicts.derivatives(mode)
        step = np.linalg.solve(precision + curvature, slope - precision @ (mode - before))
        while np.abs(step).max() > _CONVERGED and height(mode + step) < reached:
            step = step / 2.0
        if np.abs(step).max() <= _CONVERGED:
            break
        mode = mode + step
        reached = height(mode)
    return mode


class _Verdicts:
    """The log-likelihood of all verdicts as a function of the qualities.

    With x = discrimination * gap / quality_sd + position, the odds of first : second : tie are
    exp(x / 2) : exp(-x / 2) : 2 tie (Davidson 1970). A judge that is asked about the same two
    again repeats ``persistence`` of its verdict, so that its verdicts together count less.
    """

    def __init__(self, comparisons: Sequence[Comparison], n: int, reliability: Reliability) -> None:
        judges = [reliability.of(one.judge) for one in comparisons]
        self._design = np.zeros((len(comparisons), n))
        for row, (one, judge) in enumerate(zip(comparisons, judges, strict=True)):
            slope = judge.discrimination / reliability.quality_sd
            self._design[row, one.first] = slope
            self._design[row, one.second] = -slope
        self._position = np.array([judge.position for judge in judges])
        self._tie = np.array([2.0 * judge.tie for judge in judges])
        self._told = np.array([one.lead for one in comparisons])
        self._weight = _weights(comparisons, judges)

    def log_likelihood(self, qualities: Array) -> float:
        """Up to a constant."""
        x = np.clip(self._design @ qualities + self._position, -60, 60)
        total = np.exp(x / 2) + np.exp(-x / 2) + self._tie
        return float(self._weight @ (0.5 * self._told * x - np.log(total)))

    def derivatives(self, qualities: Array) -> tuple[Array, Array]:
        """Gradient (n,) and negative second derivative (n, n)."""
        x = np.clip(self._design @ qualities + self._position, -60, 60)
        up, down = np.exp(x / 2), np.exp(-x / 2)
        total = up + down + self._tie
        expected = (up - down) / total
        variance = (up + down) / total - expected**2
        slope = self._weight * 0.5 * (self._told - expected)
        bend = self._weight * 0.25 * variance
        return self._design.T @ slope, (self._design * bend[:, None]).T @ self._design


def _weights(comparisons: Sequence[Comparison], judges: Sequence[JudgeReliability]) -> Array:
    pairs = [(one.judge, one.pair) for one in comparisons]
    counts = Counter(pairs)
    return np.array([one.repeated(counts[pair]) for pair, one in zip(pairs, judges, strict=True)])
