"""How far people agree with each other: no judge can be measured better than its labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from judgeforge.records import Record


class Agreement(Record):
    items: int
    """With the labels of at least two people."""
    share: float
    """Of pairs of people that gave the same label, averaged over items."""
    kappa: float
    """The same beyond chance (Fleiss 1971, for any number of people an item); 0 to 1 mostly."""

    def in_words(self) -> str:
        return (
            f"people agree with each other on {self.share:.0%} of {self.items} items "
            f"(kappa {self.kappa:.2f}): no judge can be shown to be better than that"
        )


def agreement(labels: Sequence[Sequence[str]]) -> Agreement | None:
    """``labels``: of each item, one for each person. None where no item has two."""
    several = [one for one in labels if len(one) >= 2]
    if not several:
        return None
    shares = [_same(one) for one in several]
    share = sum(shares) / len(shares)
    counts = Counter(label for one in several for label in one)
    total = counts.total()
    chance = sum((count / total) ** 2 for count in counts.values())
    kappa = 1.0 if math.isclose(chance, 1.0) else (share - chance) / (1.0 - chance)
    return Agreement(items=len(several), share=share, kappa=kappa)


def _same(labels: Sequence[str]) -> float:
    pairs = list(combinations(labels, 2))
    return sum(one == other for one, other in pairs) / len(pairs)
