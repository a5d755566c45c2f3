"""Predicted probabilities and what was right -> the map from posterior to probability.

Platt's two parameters (1999), a shift and a slope in log-odds, with heavy-tailed priors around "as
believed", integrated over a grid instead of set to one best guess: the result is the probability
that is expected under all that the labels leave possible. So few labels change little, many can
say anything, and what the labels leave open draws the probability towards one half.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from judgeforge.ranking.confidence import FURTHEST, ConfidenceMap, log_odds
from judgeforge.ranking.normal import Array

SHIFT_SCALE = 0.15
"""Of the prior of the shift, in log-odds (Student's t with 3 degrees of freedom)."""
SLOPE_SCALE = 0.3
"""Of the prior of the slope's logarithm, likewise."""
CAUTION = 0.5
"""Posterior standard deviations by which cautious probabilities lie below the expected ones."""
_DEGREES = 3.0
_SHIFTS = np.linspace(-3.0, 3.0, 41)
_LOG_SLOPES = np.linspace(-2.0, 1.2, 33)
_POINTS = np.linspace(-FURTHEST, FURTHEST, 49)
_LEAST_RISE = 1e-6


class FittedConfidence(NamedTuple):
    expected: ConfidenceMap
    """To the probabilities that the labels leave to be expected."""
    cautious: ConfidenceMap
    """To somewhat lower ones, the more so the less the labels tell: a promise is made on these."""


def fit_confidence(probabilities: Array, right: Array) -> FittedConfidence:
    """``probabilities`` (n,): P(the prediction is right) as believed; ``right`` (n,): 1 where it
    was, 0 where not, parts for ties. No data give nearly the identity."""
    weights = _posterior(log_odds(probabilities), right)
    shifts, slopes = np.meshgrid(_SHIFTS, np.exp(_LOG_SLOPES), indexing="ij")
    true = 1.0 / (1.0 + np.exp(-shifts[..., None] - slopes[..., None] * _POINTS))
    expected = np.einsum("ij,ijk->k", weights, true)
    variance = np.einsum("ij,ijk->k", weights, (true - expected) ** 2)
    return FittedConfidence(_rising(expected), _rising(expected - CAUTION * np.sqrt(variance)))


def _rising(probabilities: Array) -> ConfidenceMap:
    """A lower bound may fall where little is known; it then stays level, but for a trifle."""
    level = np.maximum.accumulate(log_odds(probabilities))
    true = level + _LEAST_RISE * np.arange(len(_POINTS))
    return ConfidenceMap(believed=tuple(_POINTS.tolist()), true=tuple(true.tolist()))


def _posterior(believed: Array, right: Array) -> Array:
    """Of shift and slope, on the grid; sums to 1."""
    logs = _log_t(_SHIFTS / SHIFT_SCALE)[:, None] + _log_t(_LOG_SLOPES / SLOPE_SCALE)[None, :]
    slopes = np.exp(_LOG_SLOPES)
    values, place = np.unique(believed, return_inverse=True)
    counts, rights = np.bincount(place), np.bincount(place, weights=right)
    for x, n, y in zip(values, counts, rights, strict=True):
        inner = _SHIFTS[:, None] + slopes[None, :] * x
        logs += y * inner - n * np.logaddexp(0.0, inner)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _log_t(x: Array) -> Array:
    return np.asarray(-0.5 * (_DEGREES + 1.0) * np.log1p(x**2 / _DEGREES))
