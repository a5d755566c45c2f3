"""What judges that compare in one order only read, by how far they agree. Pure.

Given the gap of two completions, verdicts of two judges are taken to be independent but for what
recorded judges err alike. So the correlation of their verdicts says how well both read (as latent
structure analysis does for two raters; Lazarsfeld 1950); which of them reads better it does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from judgeforge.ranking.outcomes import SLIGHT
from judgeforge.ranking.ranking import GapPrior
from judgeforge.ranking.reliability.closeness import CLOSE_PAIRS, CLOSE_PROMPTS

ERROR_CORRELATION = 0.28
"""Of the errors of two recorded judges about one completion: 0.28 to 0.46. The lower end, since the
own errors of a panel are fitted cautiously already."""
SMOOTHING = 2.0
"""Pairs without information that are added to those seen, so that no judge is taken for perfect."""
LEAST, _MOST, _BISECTIONS = 0.05, 5.0, 40
"""Judges that agree no more than by their errors still order completions, with a confidence of
about a half."""

ComparedPair = tuple[str, tuple[int, int]]
"""A prompt and the places of two of its completions, in ascending order."""


class Agreement(NamedTuple):
    discrimination: float
    """Of each judge, as far as their agreement shows."""
    pairs: int
    """Pairs of which two judges said which one is better."""


def agreement_of(opinions: Mapping[str, Mapping[ComparedPair, float]]) -> Agreement:
    """``opinions``: of each judge on pairs, from -1 to 1."""
    agreement, number = 0.0, 0
    for one, other in combinations(sorted(opinions), 2):
        both = sorted(opinions[one].keys() & opinions[other].keys())
        told = [opinions[one][pair] * opinions[other][pair] for pair in both]
        agreement += math.fsum(told)
        number += sum(each != 0.0 for each in told)
    alike = max(0.0, agreement) / (number + SMOOTHING)
    by_reading = max(0.0, (alike - ERROR_CORRELATION) / (1.0 - ERROR_CORRELATION))
    return Agreement(_discrimination(by_reading), number)


def _discrimination(correlation: float) -> float:
    """At which verdicts of two judges correlate this much, gaps being as they are expected before
    any judgment; by bisection."""
    points, weights = np.polynomial.hermite_e.hermegauss(21)
    weights = weights / weights.sum()
    differ = (1.0 - CLOSE_PROMPTS) * (1.0 - CLOSE_PAIRS)
    slight = (1.0 - differ) * (1.0 - GapPrior(sds=()).equal)
    wide = math.sqrt(2.0 / differ)

    def reached(discrimination: float) -> float:
        """Both verdicts have the mean tanh(x / 2) at log-odds x."""
        at_wide, at_slight = (
            float(weights @ np.tanh(discrimination * sd * points / 2.0) ** 2)
            for sd in (wide, SLIGHT * wide)
        )
        return differ * at_wide + slight * at_slight

    low, high = LEAST, _MOST
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if reached(middle) >= correlation else (middle, high)
    return low
