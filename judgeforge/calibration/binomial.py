"""Exact binomial tails, in numpy alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from judgeforge.ranking.normal import Array


def lower_tail(successes: int, trials: int, probability: float) -> float:
    """P(X <= successes) for X binomial, 0 < probability < 1."""
    if successes >= trials:
        return 1.0
    if successes < 0:
        return 0.0
    return min(1.0, float(_masses(trials, probability, successes).sum()))


def most_successes(trials: int, probability: float, delta: float) -> int:
    """The largest k with P(X <= k) <= delta; -1 where even none is too likely."""
    tails = np.cumsum(_masses(trials, probability, trials))
    return int(np.searchsorted(tails, delta, side="right")) - 1


def _masses(trials: int, probability: float, most: int) -> Array:
    """P(X = k) for k = 0 .. most, by logarithms: factors of many trials are below any float."""
    k = np.arange(most + 1, dtype=np.int64)
    logs = _log_choose(trials, k) + k * math.log(probability)
    return np.asarray(np.exp(logs + (trials - k) * math.log1p(-probability)))


def _log_choose(n: int, k: NDArray[np.int64]) -> Array:
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return np.asarray(log_factorials[n] - log_factorials[k] - log_factorials[n - k])
