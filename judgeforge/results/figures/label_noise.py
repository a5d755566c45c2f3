"""How many pairs are wrong, as losses ask: `label_smoothing`, and how sure that is. Pure.

TRL's ``loss_type="robust"`` (Chowdhury et al., arXiv 2403.00409) is an unbiased estimate of DPO's
loss under labels of which this share, 0 to below 0.5, is flipped: its `label_smoothing` is the
probability that a pair is wrong, one number for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 0.499
"""The loss divides by 1 - 2 x smoothing."""
_DEVIATIONS = 1.96
"""Of the normal law on both sides of 95 %."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """``value`` with the interval in which the share of wrong pairs lies with 95 %, if each pair is
    wrong with the probability that its confidence says."""

    value: float
    low: float
    high: float


class LabelNoise:
    """Fed prompt by prompt: pairs of one prompt share completions, so that they may all be wrong
    together, and are counted as if they were."""

    def __init__(self) -> None:
        self.pairs = 0
        self._wrong = self._variance = 0.0

    def add_prompt(self, wrong: Sequence[float]) -> None:
        """``wrong``: of each pair, the probability that its rejected side is the better one."""
        self.pairs += len(wrong)
        self._wrong += math.fsum(wrong)
        self._variance += math.fsum(math.sqrt(one * (1.0 - one)) for one in wrong) ** 2

    @property
    def smoothing(self) -> Smoothing | None:
        """None without pairs."""
        if not self.pairs:
            return None
        share = self._wrong / self.pairs
        width = _DEVIATIONS * math.sqrt(self._variance) / self.pairs
        return Smoothing(min(MOST, share), max(0.0, share - width), min(1.0, share + width))


def robust_loss(noise: LabelNoise) -> str:
    """As arguments of ``DPOConfig``."""
    found = noise.smoothing
    return f'loss_type="robust", label_smoothing={found.value if found else 0.0:.3f}'


def smoothing_in_words(noise: LabelNoise, *, is_measured: bool) -> str:
    """As Markdown. ``is_measured``: whether labels have shown what the confidences are worth."""
    found = noise.smoothing
    if found is None:
        return "There are no pairs to say it of."
    basis = (
        "The confidences were calibrated on labels."
        if is_measured
        else "No labels were used: errors that all judges share cannot be seen, so the true share "
        "may be higher."
    )
    return (
        f"`DPOConfig({robust_loss(noise)})` tells the loss so: it is the mean probability that a "
        "pair is wrong, 1 - mean(`confidence` + `p_tie`). If the confidences hold, "
        f"{found.low:.1%} to {found.high:.1%} of these pairs are wrong (95 %). "
        f"{basis}"
    )
