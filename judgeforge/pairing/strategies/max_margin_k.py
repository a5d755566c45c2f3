"""The k pairs with the widest margins (k is ``pairs_per_prompt``)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:  # noqa: ARG001
    scores = ranking.scores
    pairs = combinations(best_first(ranking), 2)
    return sorted(pairs, key=lambda pair: scores[pair[1]] - scores[pair[0]])
