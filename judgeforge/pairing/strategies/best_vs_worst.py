"""The best against the worst, then the next best against the next worst."""

from __future__ import annotations

from collections.abc import Iterable

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:  # noqa: ARG001
    order = best_first(ranking)
    return [(order[i], order[-1 - i]) for i in range(len(order) // 2)]
