"""How much of what a judge that is alone says is signal, and how sure that is. Pure.

Its opinions show how far quality and its own lasting error spread together, never which is which.
Three things tell them apart, each weakly (the posterior over a grid of their ratio):

1. *Recorded judges*: how the ratio is spread over judges and sets.
2. *Its repeat noise*: judges that say something else when asked again err about as much for ever.
3. *Prompts with narrow spread*: where completions are equal, opinions spread by the error alone
   (scale mixture of normals; Andrews and Mallows 1974). Prompts also differ for other reasons, so
   this counts for half (a power of the likelihood; Grünwald and van Ommen 2017).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.outcomes import SLIGHT
from judgeforge.ranking.ranking import GapPrior
from judgeforge.ranking.reliability.judges import JudgeReliability

LASTING_SIGNAL = 1.4
"""Standard deviation of what a judge that nothing measures sees of the qualities, over that of its
own lasting error. Over 29 recorded pairs of a judge and a set of ordinary answers the median of the
signal over all error of one answer is 1.11; asked eight times it is 1.25 times as much."""
ALONE_DOUBT = 0.85
"""Standard deviation of the logarithm of that ratio over the same: 0.72 by the middle half of them,
1.05 with the outermost, which are few and measured on few pairs."""
OWN_OVER_REPEAT = 1.4
"""Standard deviation of the lasting error over that of repeats. For four recorded judges 1.4 to 1.7
by what they agree on, the error that they share (a correlation of 0.28) among it. By labels (11
judges and prompts, eight answers) the median is 0.9 if qualities are taken for normal; the right
answer stands out by about twice what the others differ, and that makes it 1.3."""
OWN_OVER_REPEAT_DOUBT = 0.5
"""Standard deviation of the logarithm of that ratio over the same 55 sets, given how far the
opinions spread: half of that of the ratio of signal and error."""
LEAST_REPEATED = 16
"""Completions that a judge scored twice, from which on its noise is measured."""
SHAPE_POWER = 0.5
"""What the spread of prompts counts for: half, as is said above."""
CLOSE = 0.1
"""Share of prompts whose completions are nearly equal, before any evidence."""

_RATIOS = np.linspace(math.log(0.2), math.log(10.0), 41)
_EQUAL = GapPrior(sds=()).equal


class Signal(NamedTuple):
    ratio: float
    """Standard deviation of what the judge sees of the qualities over that of its lasting error."""
    doubt: float
    """Standard deviation of the logarithm of the ratio."""


def signal_of(evidence: Sequence[Evidence], judge: JudgeReliability, lasting: float) -> Signal:
    """``lasting``: variance of the judge's opinions around the mean of their prompt, quality and
    error together, in the unit of its scores."""
    own = lasting / (1.0 + np.exp(2.0 * _RATIOS))
    height = -0.5 * ((_RATIOS - math.log(LASTING_SIGNAL)) / ALONE_DOUBT) ** 2
    if repeated(evidence, judge.name) >= LEAST_REPEATED:
        apart = 0.5 * np.log(own) - math.log(OWN_OVER_REPEAT * judge.repeat_sd)
        height = height - 0.5 * (apart / OWN_OVER_REPEAT_DOUBT) ** 2
    height = height + SHAPE_POWER * _by_spread(evidence, judge, own, lasting - own)
    weights = np.exp(height - height.max())
    weights /= weights.sum()
    mean = float(weights @ _RATIOS)
    return Signal(math.exp(mean), math.sqrt(float(weights @ (_RATIOS - mean) ** 2)))


def repeated(evidence: Sequence[Evidence], judge: str) -> int:
    """Completions that it scored more than once."""
    return sum(
        len(cell.scores) > 1 for one in evidence for cell in one.cells if cell.judge == judge
    )


def _by_spread(
    evidence: Sequence[Evidence], judge: JudgeReliability, own: Array, quality: Array
) -> Array:
    """Log-likelihood of how far the scores of each prompt spread, for each split of the variance
    into ``own`` and ``quality``."""
    total = np.zeros_like(own)
    for one in evidence:
        by_answers = defaultdict(list)
        for cell in one.cells:
            if cell.judge == judge.name:
                by_answers[len(cell.scores)].append(cell.mean)
        answers, scores = max(
            by_answers.items(), key=lambda each: len(each[1]), default=(1, list[float]())
        )
        if len(scores) < 2:
            continue
        squares, degrees = len(scores) * float(np.var(scores)), len(scores) - 1
        error = own + judge.repeat_sd**2 / answers

        def likelihood(
            part: float, squares: float = squares, degrees: int = degrees, error: Array = error
        ) -> Array:
            variance = error + part * quality / (1.0 - CLOSE)
            return -0.5 * (degrees * np.log(variance) + squares / variance)

        wide, slight, equal = likelihood(1.0), likelihood(SLIGHT**2), likelihood(0.0)
        close = np.logaddexp(math.log(_EQUAL) + equal, math.log(1.0 - _EQUAL) + slight)
        total += np.logaddexp(math.log(CLOSE) + close, math.log(1.0 - CLOSE) + wide)
    return total
