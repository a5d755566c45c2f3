"""One file a strategy. A new one is a file with ``propose`` and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from judgeforge.pairing.rules import PairingRules
from judgeforge.pairing.strategies import (
    adjacent,
    all_pairs,
    best_vs_random,
    best_vs_worst,
    max_margin_k,
)
from judgeforge.records import Ranking


@dataclass(frozen=True, slots=True)
class PairingStrategy:
    propose: Callable[[Ranking, PairingRules], Iterable[tuple[int, int]]]
    """Places of the two sides in the ranking, most wanted pair first."""
    natural_number: int | None
    """How many pairs of a prompt it gives where the rules do not say; None for all."""


STRATEGIES: Mapping[str, PairingStrategy] = {
    "best_vs_worst": PairingStrategy(best_vs_worst.propose, 1),
    "best_vs_random": PairingStrategy(best_vs_random.propose, 1),
    "all_pairs": PairingStrategy(all_pairs.propose, None),
    "adjacent": PairingStrategy(adjacent.propose, None),
    "max_margin_k": PairingStrategy(max_margin_k.propose, 1),
}
