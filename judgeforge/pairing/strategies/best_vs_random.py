"""The best against the others in an order drawn from the seed and the prompt's id."""

from __future__ import annotations

import random
from collections.abc import Iterable

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies.order import best_first
from judgeforge.records import Ranking


def propose(ranking: Ranking, rules: PairingRules) -> Iterable[tuple[int, int]]:
    best, *others = best_first(ranking)
    # Seeding with text is defined by Python to be the same in every process.
    random.Random(f"{rules.seed}/{ranking.prompt_id}").shuffle(others)  # noqa: S311
    return [(best, other) for other in others]
