"""Two completions have three outcomes: the first is better, they are equal, the second is. Pure.

Equal completions are common, and a normal law of qualities gives them no probability. So the gap
of two comes from a mixture: they differ *widely*, as the qualities of a prompt spread, or are
*close*, and then equal or *slightly* different (spike and slab; Mitchell and Beauchamp 1988; George
and McCulloch 1993). All completions of a prompt may be close, or these two. How much the judgments
speak for each is the ratio of what they were expected to be (marginal likelihoods of normal laws,
for two completions alone and for all of the prompt at once); which side is better, given that, has
heavy tails (distributions.py).

What judges cannot show of their own errors is a doubt about the ratio of what they see to what they
err (``GapPrior.doubt``), over which all is averaged.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from judgeforge.ranking.distributions import Array, gap_cdf
from judgeforge.ranking.ranking import GapPrior, Ranking

SLIGHT = 0.25
"""Standard deviation of slight differences over that of wide ones."""


class Outcome(NamedTuple):
    """Probabilities that sum to 1."""

    better: float
    """The first is better than the second."""
    tie: float
    worse: float

    @property
    def ahead(self) -> float:
        """P(the first is better), if the two differ."""
        differ = self.better + self.worse
        return self.better / differ if differ > 0.0 else 0.5

    @property
    def turned(self) -> Outcome:
        """With the two exchanged."""
        return Outcome(self.worse, self.tie, self.better)


def outcome_of(
    ranking: Ranking, first: int, second: int, *, gap: float, variance: float, before: float
) -> Outcome:
    """``first`` and ``second``: places; ``gap`` and ``variance`` (above 0): of their difference;
    ``before``: its variance before the judgments."""
    prior = ranking.prior
    if prior is None:
        better = gap_cdf(gap / math.sqrt(variance))
        return Outcome(better, 0.0, 1.0 - better)
    if prior.exact and prior.exact[first] != prior.exact[second]:
        decided = prior.exact[first] - prior.exact[second]
        better = _better_by_code(prior, decided, gap, variance, before)
        return Outcome(better, 0.0, 1.0 - better)
    wide, slight, equal = views(prior, gap, variance, before)
    differ = 1.0 - prior.close_prompts
    pairs = differ * prior.close_pairs
    alone = len(ranking.completion_ids) == 2
    all_slight, all_equal = (slight.likelier, equal) if alone else all_close(ranking)
    is_equal = prior.equal * (prior.close_prompts * all_equal + pairs * equal)
    is_slight = (1.0 - prior.equal) * (prior.close_prompts * all_slight + pairs * slight.likelier)
    total = is_equal + is_slight + differ - pairs
    tie = is_equal / total
    better = (is_slight * slight.better + (differ - pairs) * wide.better) / total
    told, tie_anyway = 1.0 - prior.useless, prior.equal * (1.0 - prior.differ)
    better = told * better + prior.useless * (1.0 - tie_anyway) / 2.0
    tie = told * tie + prior.useless * tie_anyway
    return Outcome(better, tie, max(0.0, 1.0 - tie - better))


def _better_by_code(
    prior: GapPrior, decided: float, gap: float, variance: float, before: float
) -> float:
    """Of two that code tells apart by ``decided``: a judge that is useless leaves that as it is."""
    own = 1.0 - prior.shared
    told = gap_cdf(gap / math.sqrt(own * (own * variance + prior.shared * before)))
    by_code_alone = gap_cdf(decided / math.sqrt(before)) if before > 0 else float(decided > 0)
    return (1.0 - prior.useless) * told + prior.useless * by_code_alone


class View(NamedTuple):
    better: float
    """P(the first is better), if the two differ so widely or so slightly."""
    likelier: float
    """How many times likelier the judgments then are than where the two differ widely."""


def views(prior: GapPrior, gap: float, variance: float, before: float) -> tuple[View, View, float]:
    """Of two that differ widely, of two that differ slightly, and how many times likelier the
    judgments are where two are equal.

    ``before``: the variance of a gap before the judgments, for any two.
    """
    own = 1.0 - prior.shared
    variance = own * (own * variance + prior.shared * before)
    told = max(1.0 / variance - 1.0 / (own * before), 0.0)
    if told == 0.0:
        return View(0.5, 1.0), View(0.5, 1.0), 1.0
    seen = own * gap / variance / told
    signal = own * before / prior.differ
    total, ratio = signal + 1.0 / told, signal * told
    wide = slight = likelier = equal = 0.0
    for factor, share in _factors(prior.doubt):
        noise = total / (1.0 + ratio * factor)
        large = total - noise
        small = large * SLIGHT**2
        times = math.sqrt(total / (small + noise)) * math.exp(
            0.5 * seen**2 * (1.0 / total - 1.0 / (small + noise))
        )
        wide += share * gap_cdf(seen * math.sqrt(large / (noise * total)))
        slight += share * times * gap_cdf(seen * math.sqrt(small / (noise * (small + noise))))
        likelier += share * times
        equal += (
            share * math.sqrt(total / noise) * math.exp(0.5 * seen**2 * (1.0 / total - 1.0 / noise))
        )
    return View(wide, 1.0), View(slight / likelier if likelier else 0.5, likelier), equal


def all_close(ranking: Ranking) -> tuple[float, float]:
    """How many times likelier the judgments are where no completion differs from another by more
    than a little, and where all are equal; 0 where code tells some apart."""
    prior = ranking.prior
    if prior is None or ranking.vetoed or len(set(prior.exact)) > 1:
        return 0.0, 0.0
    told = _told(prior.sds, prior.shared, prior.differ, ranking.covariance)
    at = told.after @ (told.contrasts @ np.array(ranking.scores))
    wide, slight = told.wide.log_marginal(at), told.slight.log_marginal(at)
    return math.exp(slight - wide), math.exp(-wide)


class _Law(NamedTuple):
    """What is told of gaps that are so wide."""

    precision: Array
    """Of what was expected and what is seen, together."""
    log_determinants: float | None
    """Of what was expected, less that of both; None where these are no law."""

    def log_marginal(self, at: Array) -> float:
        """Of judgments with this weighted mean, over that of no difference at all."""
        if self.log_determinants is None:
            return 0.0
        return 0.5 * (self.log_determinants + float(at @ np.linalg.solve(self.precision, at)))


class _Told(NamedTuple):
    contrasts: Array
    after: Array
    wide: _Law
    slight: _Law


@lru_cache(maxsize=64)  # most prompts of a run differ in their scores alone
def _told(
    sds: tuple[float, ...], shared: float, differ: float, covariance: tuple[tuple[float, ...], ...]
) -> _Told:
    n, own = len(sds), 1.0 - shared
    contrasts = np.eye(n - 1, n) - np.eye(n - 1, n, 1)
    any_two = own * (contrasts * np.array(sds) ** 2) @ contrasts.T
    found = contrasts @ np.array(covariance) @ contrasts.T
    after = np.linalg.inv(own**2 * found + shared * any_two)
    before = np.linalg.inv(any_two)
    seen = after - before
    wide, slight = _law(seen, before * differ), _law(seen, before * (differ / SLIGHT**2))
    return _Told(own * contrasts, after, wide, slight)


def _law(seen: Array, expected: Array) -> _Law:
    sign, both = np.linalg.slogdet(seen + expected)
    if sign <= 0:
        return _Law(expected, None)
    return _Law(seen + expected, float(np.linalg.slogdet(expected)[1]) - float(both))


@lru_cache(maxsize=64)
def _factors(doubt: float) -> tuple[tuple[float, float], ...]:
    """(factor of the ratio of signal and noise, share)"""
    if doubt == 0:
        return ((1.0, 1.0),)
    points, weights = np.polynomial.hermite_e.hermegauss(7)
    factors = np.exp(2.0 * doubt * points)
    return tuple(zip(factors.tolist(), (weights / weights.sum()).tolist(), strict=True))
