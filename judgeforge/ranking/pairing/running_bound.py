"""How high the share of pairs by design that are right can be, looked at after each judged pair.

A usual interval holds for one look. A run looks again with every pair of its audit, so the bound
has to hold at all looks at once: it is where a mixture of lower shares explains what was seen
``1 / RISK`` times better than the bound does (Robbins 1970; a test martingale, by Ville's
inequality, for any values from 0 to 1 with such a mean, since it is convex in each). Pure.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from judgeforge.ranking.beta import beta_cdf

RISK = 0.025
"""Probability that the bound of a run is ever below the true share."""
_BISECTIONS = 40


def high_at_all_looks(better: Collection[float]) -> float:
    """``better``: of each judged pair, P(chosen is better), 0 to 1. The upper bound, 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_surely_below(better, middle) else (middle, high)
    return high


def is_surely_below(better: Collection[float], least: float) -> bool:
    """Whether the share of pairs that are right is shown to be below ``least``."""
    return _log_evidence(math.fsum(better), len(better), least) >= -math.log(RISK)


def fewest_to_show(least: float) -> int:
    """Judged pairs, none of them right, from which on a share is shown to be below ``least``."""
    number = 1
    while _log_evidence(0.0, number, least) < -math.log(RISK) and number < 10**6:
        number += 1
    return number


def _log_evidence(right: float, number: int, least: float) -> float:
    """Of shares that are evenly likely from 0 to ``least``, against ``least``."""
    if not 0.0 < least < 1.0:
        return math.inf if least >= 1.0 and right < number else -math.inf
    a, b = right + 1.0, number - right + 1.0
    below = beta_cdf(least, a, b)
    if below <= 0.0:
        return -math.inf
    whole = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    at_least = right * math.log(least) + (number - right) * math.log1p(-least)
    return whole + math.log(below) - math.log(least) - at_least
