"""The pairs whose gap is widest with the confidence that is asked for.

After DeltaUCB of ActiveUltraFeedback (arXiv 2603.09692), which prefers pairs by a confidence bound
of their gap. There the bound is the upper one, since it chooses what to label next; a pair that is
trained on has its labels, so here it is the lower one: the gap that is exceeded with probability
``min_confidence``. At 0.5 and below it is the expected gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations
from statistics import NormalDist

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking

_SUREST = 1.0 - 1e-9
"""Certainty itself would put every bound at minus infinity."""


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:
    deviations = NormalDist().inv_cdf(min(_SUREST, max(0.5, rules.min_confidence)))
    scores, covariance = ranking.scores, ranking.covariance

    def bound(pair: tuple[int, int]) -> float:
        i, j = pair
        variance = covariance[i][i] + covariance[j][j] - 2 * covariance[i][j]
        return scores[i] - scores[j] - deviations * math.sqrt(max(0.0, variance))

    return sorted(combinations(best_first(ranking), 2), key=bound, reverse=True)
