"""What labels show of a judge that is alone: how much of what it says is signal. Pure.

No judgment tells its lasting error from the qualities that it sees (ranking/reliability/alone.py),
so that without labels their ratio has a wide doubt. Labels tell: how likely each of them is where
the judge sees more or less, the law of ratios without labels being the prior (Bayes over a grid).
What they leave open stays a doubt, and few labels change little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.confidence import outcome
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.rank import gap_prior, rank_evidence, with_vetoes
from judgeforge.ranking.reliability.alone import Signal
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.reliability.unseen import lasting_signal, with_signal

_DEVIATIONS = np.linspace(-3.0, 3.0, 13)
"""Of the logarithm of the ratio, in what it is in doubt by without labels."""
_LEAST = 1e-6
"""A label that nothing explains says no more than this."""


@dataclass(frozen=True, slots=True)
class AloneByLabels:
    blind: Reliability
    """Known without labels."""
    judge: str
    told: Array
    """(labels, ratios): logarithm of the probability of each label for each ratio."""
    useless: Array
    """(labels,): the same of a judge whose answers have nothing to do with the qualities."""

    @classmethod
    def of(cls, labelled: Sequence[Labelled], blind: Reliability) -> Self | None:
        """None where the judges are several, compare, or are in no such doubt."""
        scoring = {cell.judge for one in labelled for cell in one.evidence.cells}
        comparing = any(one.evidence.comparisons for one in labelled)
        if len(scoring) != 1 or comparing or len(blind.judges) != 1 or not blind.doubt:
            return None
        name = next(iter(scoring))
        before = lasting_signal(blind, name)
        ratios = before * np.exp(blind.doubt * _DEVIATIONS)
        candidates = [with_signal(blind, name, Signal(float(one), 0.0)) for one in ratios]
        told = [[_log_likelihood(one, known) for known in candidates] for one in labelled]
        return cls(
            blind, name, np.array(told), np.array([_by_chance(one, blind) for one in labelled])
        )

    def known(self, rows: Sequence[int]) -> Reliability:
        """``rows``: of the labels that count."""
        counted = list(rows)
        heights = self.told[counted].sum(0) - 0.5 * _DEVIATIONS**2
        top = float(heights.max())
        shares = np.exp(heights - top)
        apart = float(self.useless[counted].sum()) - top
        # Of the ratios together, as likely as they are before labels.
        evidence = float(shares.sum()) / float(np.exp(-0.5 * _DEVIATIONS**2).sum())
        shares /= shares.sum()
        mean = float(shares @ _DEVIATIONS)
        sd = math.sqrt(float(shares @ (_DEVIATIONS - mean) ** 2))
        ratio = lasting_signal(self.blind, self.judge) * math.exp(self.blind.doubt * mean)
        found = with_signal(self.blind, self.judge, Signal(ratio, self.blind.doubt * sd))
        useless = self.blind.useless * math.exp(min(apart, 700.0))
        useless /= useless + (1.0 - self.blind.useless) * evidence
        return found.model_copy(update={"useless": useless})


def _log_likelihood(one: Labelled, known: Reliability) -> float:
    told = known.model_copy(update={"useless": 0.0})
    ranking = with_vetoes(rank_evidence(one.evidence, told), one.vetoes)
    if one.compared is None:
        chances = np.maximum(np.array(ranking.p_best), _LEAST)
        return float(one.parts @ np.log(chances))
    better, tie, worse = outcome(ranking, *one.compared)
    if one.label.is_tie:
        return math.log(max(tie, _LEAST))
    first, second = one.parts
    return float(first * math.log(max(better, _LEAST)) + second * math.log(max(worse, _LEAST)))


def _by_chance(one: Labelled, known: Reliability) -> float:
    """The same where nothing is known of the completions."""
    if one.compared is None:
        return -math.log(len(one.parts))
    prior = gap_prior(one.evidence, known)
    tie = 0.0 if prior is None else prior.equal * (1.0 - prior.differ)
    return math.log(max(tie if one.label.is_tie else (1.0 - tie) / 2.0, _LEAST))
