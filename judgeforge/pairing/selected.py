"""What pairing gives: pairs of one prompt, or the reason why there is none."""

from __future__ import annotations

from judgeforge.records import Record, SkipReason


class SelectedPair(Record):
    chosen_id: str
    rejected_id: str
    score_chosen: float
    score_rejected: float
    score_margin: float
    confidence: float
    """Probability that chosen is better than rejected, 0.5 to 1."""
    p_best: float
    """Probability that chosen is the best of its prompt, 0 to 1."""


class PairSelection(Record):
    pairs: tuple[SelectedPair, ...] = ()
    reason: SkipReason | None = None
    detail: str | None = None
