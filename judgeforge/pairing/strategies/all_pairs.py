"""Every pair, better side first, in the order of the ranking."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:  # noqa: ARG001
    return combinations(best_first(ranking), 2)
