"""The best against the completion nearest to two standard deviations below the mean score.

With many completions of a prompt the very worst makes a poor rejected side for DPO; one near
mean - 2 sd is better ("Finding the Sweet Spot", ACL 2025, arXiv 2502.16825). Of up to five
completions none lies farther below the mean than that, so that it is the worst.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking

_DEVIATIONS = 2.0


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:  # noqa: ARG001
    scores = ranking.scores
    mean = math.fsum(scores) / len(scores)
    sd = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    target = mean - _DEVIATIONS * sd
    best, *others = best_first(ranking)
    nearest = sorted(others, key=lambda place: (abs(scores[place] - target), scores[place]))
    return [(best, other) for other in nearest]
