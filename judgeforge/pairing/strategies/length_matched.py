"""The surest pairs of nearly equal length, so that DPO cannot learn length from them.

``max_length_ratio`` says how nearly; the rules of selection hold every pair to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.ranking import probability_better
from judgeforge.records import Ranking

DEFAULT_LENGTH_RATIO = 1.25
"""Where ``max_length_ratio`` is not set: the longer side has at most a quarter more characters."""


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:  # noqa: ARG001
    ids, scores = ranking.completion_ids, ranking.scores

    def sureness(pair: tuple[int, int]) -> tuple[float, float]:
        better, worse = pair
        return probability_better(ranking, ids[better], ids[worse]), scores[better] - scores[worse]

    return sorted(combinations(best_first(ranking), 2), key=sureness, reverse=True)
