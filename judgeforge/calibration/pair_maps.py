"""What the probabilities of pairs are worth, from labels on two completions that may be tied. Pure.

Two things are asked of a pair: are the sides equally good, and which is better if they are not. So
there are two maps, each fitted to the labels that tell: of P(equal) to all of them, of P(better) to
those of which one side is better. A tie as half of either, as one map for all would have it, bends
that map where ties are frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from judgeforge.calibration.calibration import LabelResult
from judgeforge.calibration.confidence_fit import (
    FittedConfidence,
    Scales,
    fit_confidence,
)
from judgeforge.calibration.labels import folds
from judgeforge.ranking.confidence_map import ConfidenceMap
from judgeforge.ranking.distributions import Array


class Maps(NamedTuple):
    """As ``Instrument`` has them."""

    confidence: ConfidenceMap
    """With a tie as half of either."""
    ties: ConfidenceMap | None = None
    differing: ConfidenceMap | None = None


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """One entry a label, each (n,), as a fit has it that has not seen the label."""

    prompt_ids: Sequence[str]
    believed: Array
    """P(the side that was thought better is better), if the two differ."""
    right: Array
    """1 where it is, 0 where not, 0.5 for a tie."""
    ahead: Array
    """The same as it is said without labels, all doubt of the judges in it: a map that changes
    nothing leaves pairs as they are without labels."""
    tie: Array
    """P(both are equally good) as believed."""
    tied: Array
    """1 where people see a tie, else 0."""
    scales: Scales
    """Of how far the judges may be off."""
    tie_scales: Scales

    def maps(self) -> Maps:
        every = np.arange(len(self.believed))
        ties, differing = self._fitted(every)
        confidence = fit_confidence(self.believed, self.right, self.scales)
        return Maps(confidence.expected, ties, differing.expected)

    def results(self, plain: Sequence[LabelResult]) -> tuple[LabelResult, ...]:
        """``plain`` with probabilities that ties are part of, each by maps that have not seen its
        label: right with one half of a tie, as pairs are compared with a threshold."""
        probability, cautious, tie = np.zeros((3, len(self.believed)))
        for train, test in folds(self.prompt_ids):
            ties, differing = self._fitted(np.array(train, dtype=np.intp))
            tie[test] = ties.of(self.tie[test])
            differ = 1.0 - tie[test]
            at = self.ahead[test]
            ahead = np.maximum(differing.expected.of(at), 0.5)
            probability[test] = ahead * differ + tie[test] / 2.0
            cautious[test] = differing.cautious.of(at) * differ + tie[test] / 2.0
        return tuple(
            one.model_copy(
                update={
                    "probability": float(probability[i]),
                    "cautious": float(cautious[i]),
                    "tie": float(tie[i]),
                    "tied": bool(self.tied[i]),
                }
            )
            for i, one in enumerate(plain)
        )

    def _fitted(self, rows: NDArray[np.intp]) -> tuple[ConfidenceMap, FittedConfidence]:
        ties = fit_confidence(self.tie[rows], self.tied[rows], self.tie_scales).expected
        told = rows[self.tied[rows] == 0.0]
        return ties, fit_confidence(self.ahead[told], self.right[told], self.scales)
