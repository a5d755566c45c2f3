"""What labels say of the probabilities of pairs, and from which one on a pair is kept."""

from __future__ import annotations

from typing import Literal

from judgeforge.ranking.confidence import ConfidenceMap
from judgeforge.records import Record


class Trust(Record):
    of: Literal["best", "pair"] = "best"
    """A pair is wrong when chosen is not the best completion, or when rejected is better."""
    confidence: ConfidenceMap | None = None
    """From P(chosen is better than rejected) of the posterior to one that holds; None where the
    labels do not tell."""
    least: float | None = None
    """Pairs whose probability of being right is not above this are left out; None keeps all."""
    max_error: float | None = None
    """The share of wrong pairs that ``least`` was found for."""
