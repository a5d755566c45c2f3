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
    length_matched,
    max_gap,
    max_margin_k,
    mu_minus_two_sigma,
)
from judgeforge.records import Ranking


@dataclass(frozen=True, slots=True)
class PairingStrategy:
    propose: Callable[[Ranking, PairingRules], Iterable[tuple[int, int]]]
    """Places of the two sides in the ranking, most wanted pair first."""
    natural_number: int | None
    """How many pairs of a prompt it gives where the rules do not say; None for all."""
    length_ratio: float | None = None
    """``max_length_ratio`` where the rules do not say."""


STRATEGIES: Mapping[str, PairingStrategy] = {
    "best_vs_worst": PairingStrategy(best_vs_worst.propose, 1),
    "best_vs_random": PairingStrategy(best_vs_random.propose, 1),
    "all_pairs": PairingStrategy(all_pairs.propose, None),
    "adjacent": PairingStrategy(adjacent.propose, None),
    "max_margin_k": PairingStrategy(max_margin_k.propose, 1),
    "max_gap": PairingStrategy(max_gap.propose, 1),
    "mu_minus_two_sigma": PairingStrategy(mu_minus_two_sigma.propose, 1),
    "length_matched": PairingStrategy(
        length_matched.propose, 1, length_ratio=length_matched.DEFAULT_LENGTH_RATIO
    ),
}
