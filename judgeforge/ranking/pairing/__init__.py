"""The ranking of one prompt -> its pairs, or the reason why there are none. Pure.

selection.py   a strategy proposes, the rules decide
strategies.py  which pairs are proposed
sides.py       which completions may be chosen, and which rejected
delta.py       pairs by design, without a judgment
audit.py       how often a designed pair is right, from those that were judged
running_bound.py  how high that can be, while the audit goes on
length_limits.py  how far the sides may differ in length
provenance.py  the records that are written

To add a strategy: a function in strategies.py, a line in ``STRATEGIES``, and its name in
``Strategy`` (ranking/rules.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from judgeforge.ranking.pairing import strategies
from judgeforge.ranking.pairing.delta import delta
from judgeforge.ranking.pairing.sides import Sides
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules


@dataclass(frozen=True, slots=True)
class PairingStrategy:
    propose: Callable[[Ranking, PairingRules, Sides], Iterable[tuple[int, int]]]
    """Places of the two sides in the ranking, most wanted pair first."""
    natural_number: int | None
    """How many pairs of a prompt it gives where the rules do not say; None for all."""
    length_ratio: float | None = None
    """``max_length_ratio`` where the rules do not say."""


STRATEGIES: Mapping[str, PairingStrategy] = {
    "best_vs_worst": PairingStrategy(strategies.best_vs_worst, 1),
    "best_vs_random": PairingStrategy(strategies.best_vs_random, 1),
    "all_pairs": PairingStrategy(strategies.all_pairs, None),
    "adjacent": PairingStrategy(strategies.adjacent, None),
    "max_margin_k": PairingStrategy(strategies.max_margin_k, 1),
    "max_gap": PairingStrategy(strategies.max_gap, 1),
    "mu_minus_two_sigma": PairingStrategy(strategies.mu_minus_two_sigma, 1),
    "length_matched": PairingStrategy(
        strategies.length_matched, 1, length_ratio=strategies.DEFAULT_LENGTH_RATIO
    ),
    "delta": PairingStrategy(delta, 1),
}
