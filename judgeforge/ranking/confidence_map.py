"""From what the posterior believes to a probability that holds: a map that labels have fitted."""

from __future__ import annotations

import math
from typing import Self

import numpy as np
from pydantic import model_validator

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.ranking import Ranking
from judgeforge.text.messages import Record

FURTHEST = 12.0
"""Log-odds beyond which the posterior is not believed to tell cases apart."""
_LEAST_SHARE = 1e-9
_TEMPERING_STEPS = 60
_HIGHEST_POWER = 64.0
"""Where probabilities are nearly equal, a higher one would make much of what is hardly there."""


class ConfidenceMap(Record):
    """Strictly rising: straight between its points in log-odds, with slope 1 beyond them.

    As it begins it changes nothing.
    """

    believed: tuple[float, ...] = (0.0,)
    """Log-odds of the posterior, rising."""
    true: tuple[float, ...] = (0.0,)
    """Calibrated log-odds at these points, rising."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        rising = all(
            (np.diff(np.asarray(points)) > 0).all() for points in (self.believed, self.true)
        )
        if not self.believed or len(self.believed) != len(self.true) or not rising:
            raise ValueError("both lists must be rising and equally long")
        return self

    def __call__(self, probability: float) -> float:
        """0 and 1 stay what they are: they come from what code has verified."""
        if probability <= 0.0 or probability >= 1.0:
            return probability
        return float(self.of(np.array([probability]))[0])

    def believed_at(self, probability: float) -> float:
        """The least that must be believed for ``probability`` to hold, 0 to 1: 1 where all that can
        be doubted is held for less likely."""
        if probability <= 0.0 or probability >= 1.0:
            return probability
        y = math.log(probability) - math.log1p(-probability)
        x = float(np.interp(y, self.true, self.believed))
        x += min(y - self.true[0], 0.0) + max(y - self.true[-1], 0.0)
        return 1.0 if x > FURTHEST else 1.0 / (1.0 + math.exp(-x))

    def of(self, probabilities: Array) -> Array:
        """Any shape, each from 0 to 1."""
        x = log_odds(probabilities)
        believed, true = np.array(self.believed), np.array(self.true)
        y = np.interp(x, believed, true)
        y += np.minimum(x - believed[0], 0.0) + np.maximum(x - believed[-1], 0.0)
        return np.asarray(1.0 / (1.0 + np.exp(-y)))


def log_odds(probabilities: Array) -> Array:
    """Cut at ``FURTHEST``."""
    least = 1.0 / (1.0 + math.exp(FURTHEST))
    inside = np.clip(probabilities, least, 1.0 - least)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def calibrated_ranking(ranking: Ranking, confidence: ConfidenceMap) -> Ranking:
    """The same ranking; the largest ``p_best`` becomes what ``confidence`` makes of it.

    The others follow by a common power, so that the order stays and the sum is 1. What code has
    decided (a veto, scores without any doubt) stays as it is.
    """
    free = np.array([name not in ranking.vetoed for name in ranking.completion_ids], dtype=bool)
    doubted = np.diagonal(np.array(ranking.covariance)).any() if ranking.covariance else False
    if free.sum() < 2 or not doubted:
        return ranking
    before = np.maximum(np.array(ranking.p_best)[free], _LEAST_SHARE)
    after = np.zeros(len(free))
    after[free] = tempered(before, confidence(float(before.max())))
    return ranking.model_copy(update={"p_best": tuple(after.tolist())})


def tempered(probabilities: Array, top: float) -> Array:
    """The powers of ``probabilities`` (n,) that sum to 1 and whose largest is ``top``.

    A ``top`` that the order does not allow gives the nearest that it does: an equal share for one
    below that, the 64th powers for one that would need higher ones, as ties do.
    """
    logs = np.log(probabilities) - np.log(probabilities).max()
    low, high = 0.0, _HIGHEST_POWER
    for _ in range(_TEMPERING_STEPS):
        power = (low + high) / 2.0
        if 1.0 / np.exp(power * logs).sum() < top:
            low = power
        else:
            high = power
    shares = np.exp((low + high) / 2.0 * logs)
    return np.asarray(shares / shares.sum())
