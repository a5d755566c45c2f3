"""Predicted probabilities and what was right -> the map from posterior to probability.

Platt's two parameters (1999), a shift and a slope in log-odds, with heavy-tailed priors around "as
believed", integrated over a grid instead of set to one best guess: the result is the probability
that is expected under all that the labels leave possible. So few labels change little, many can
say anything, and what the labels leave open draws the probability towards one half.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from judgeforge.ranking.confidence_map import FURTHEST, ConfidenceMap, log_odds
from judgeforge.ranking.distributions import Array


class Scales(NamedTuple):
    """Of the priors (Student's t with 3 degrees of freedom) of the shift, in log-odds, and of the
    slope's logarithm."""

    shift: float
    slope: float


EXPECTED_SCALES = Scales(shift=0.15, slope=0.2)
"""Near "as believed": the posterior's own probabilities are mostly about right, and few labels
would make them worse."""
TIE_SCALES = Scales(shift=0.4, slope=0.2)
"""Of P(both are equally good): how often two are, agreement shows only in part. People see ties in
10 % of PandaLM's pairs, and 28 % of the downstream ones are; 16 % are expected before any judgment,
which is 0.5 to 0.7 in log-odds from either."""
CAUTIOUS_SCALES = Scales(shift=0.3, slope=0.5)
"""Wide: a promise must hold where the posterior is wrong about itself, too."""
CAUTION = 0.25
"""Posterior standard deviations by which cautious probabilities lie below their expectation."""
_DEGREES = 3.0
_SHIFTS = np.linspace(-3.0, 3.0, 41)
_LOG_SLOPES = np.linspace(-2.0, 1.2, 33)
_POINTS = np.linspace(-FURTHEST, FURTHEST, 49)
_LEAST_RISE = 1e-6


class FittedConfidence(NamedTuple):
    expected: ConfidenceMap
    """To the probabilities that the labels leave to be expected."""
    cautious: ConfidenceMap
    """To lower ones, the more so the less the labels tell: a promise is made on these."""


def fit_confidence(
    probabilities: Array, right: Array, scales: Scales = EXPECTED_SCALES
) -> FittedConfidence:
    """``probabilities`` (n,): P(the prediction is right) as believed; ``right`` (n,): 1 where it
    was, 0 where not, parts for ties. No data give nearly the identity. ``scales``: of the prior of
    what is expected."""
    believed = log_odds(probabilities)
    expected, _ = _moments(_posterior(believed, right, scales))
    mean, sd = _moments(_posterior(believed, right, CAUTIOUS_SCALES))
    return FittedConfidence(_rising(expected), _rising(mean - CAUTION * sd))


def scales_of(doubt: float) -> Scales:
    """Of which side is better, of judges whose errors may be off by ``doubt``
    (``Reliability.doubt``): the slope is then as uncertain."""
    return Scales(EXPECTED_SCALES.shift, math.hypot(EXPECTED_SCALES.slope, doubt))


def tie_scales_of(doubt: float) -> Scales:
    """Of P(both are equally good): judges that err by more than they are thought to also see
    differences where there are none."""
    return Scales(math.hypot(TIE_SCALES.shift, doubt), math.hypot(TIE_SCALES.slope, doubt))


def _moments(weights: Array) -> tuple[Array, Array]:
    """Mean and standard deviation, over the grid, of the probability at each point."""
    shifts, slopes = np.meshgrid(_SHIFTS, np.exp(_LOG_SLOPES), indexing="ij")
    true = 1.0 / (1.0 + np.exp(-shifts[..., None] - slopes[..., None] * _POINTS))
    mean = np.einsum("ij,ijk->k", weights, true)
    variance = np.einsum("ij,ijk->k", weights, (true - mean) ** 2)
    return mean, np.sqrt(variance)


def _rising(probabilities: Array) -> ConfidenceMap:
    """A lower bound may fall where little is known; it then stays level, but for a trifle."""
    level = np.maximum.accumulate(log_odds(probabilities))
    true = level + _LEAST_RISE * np.arange(len(_POINTS))
    return ConfidenceMap(believed=tuple(_POINTS.tolist()), true=tuple(true.tolist()))


def _posterior(believed: Array, right: Array, scales: Scales) -> Array:
    """Of shift and slope, on the grid; sums to 1."""
    logs = _log_t(_SHIFTS / scales.shift)[:, None] + _log_t(_LOG_SLOPES / scales.slope)[None, :]
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
