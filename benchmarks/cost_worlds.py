"""Prompts of which one completion is right, and what four judges say of each.

Recorded scores (see benchmarks/judging_data.py), or made up from what such scores have shown: how
strongly each judge follows what all of them see, its lasting error, and the noise of an answer. The
reward model is made up in both: it sees what all judges see, with an error of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.judging_data import LEVELS, load_scores

COMPLETIONS = 4
JUDGES = ("gpt-5.4-mini", "claude-haiku-4.5", "gpt-5.4", "claude-sonnet-4.6")
LOADING = (2.03, 2.04, 2.30, 1.97)
"""Points by which a judge's score rises with one standard deviation of what all four see."""
ERROR_VARIANCE = (0.95, 0.94, 0.53, 0.68)
"""Of a judge's own error, in points squared, noise included."""
RIGHT_AHEAD = 2.6
"""Standard deviations of the others by which all see the right one ahead: then all four together
find as many right ones as they do in the recorded scores."""
CENTRE = 6.0
VARIANT = "criteria"
SEED = 20261126
REWARD = "reward model"
REWARD_ERROR = 0.62
"""Standard deviations of what all see, by which a reward model errs on its own: then it finds about
as many right ones alone as the cheapest judge."""


@dataclass(frozen=True)
class World:
    name: str
    scores: Mapping[str, np.ndarray]
    """Judge -> (prompts, completions), 0 to 1; completion 0 is the right one."""

    @property
    def prompts(self) -> int:
        return len(self.scores[JUDGES[0]])

    def seen(self, judge: str, place: float) -> float:
        """What a judge says of a completion, by the number that stands in its text."""
        prompt, completion = divmod(round(place), COMPLETIONS)
        return float(self.scores[judge][prompt, completion])


def made_up(prompts: int) -> World:
    draw = np.random.default_rng(SEED)
    common = draw.standard_normal((prompts, COMPLETIONS))
    common[:, 0] += RIGHT_AHEAD
    common -= common.mean(axis=1, keepdims=True)
    common /= np.sqrt(1.0 + RIGHT_AHEAD**2 * (1 / COMPLETIONS) * (1 - 1 / COMPLETIONS))
    scores = {}
    for judge, loading, error in zip(JUDGES, LOADING, ERROR_VARIANCE, strict=True):
        own = draw.standard_normal(common.shape) * np.sqrt(error)
        points = np.clip(np.round(CENTRE + loading * common + own), 1, LEVELS)
        scores[judge] = (points - 1) / (LEVELS - 1)
    scores[REWARD] = _rewards(common, draw)
    return World("made up from the error structure of recorded judges", scores)


def recorded(data: Path) -> World:
    """Raises NoDataError where the folder has none."""
    items = [
        item
        for item in load_scores(data, VARIANT, JUDGES)
        if item.completions == COMPLETIONS and item.right == 0
    ]
    scores = {judge: np.array([item.scores[judge][:, 0] for item in items]) for judge in JUDGES}
    whole = ~np.any([np.isnan(one).any(axis=1) for one in scores.values()], axis=0)
    # Of answers that the judges are not asked for here.
    seen = np.mean(
        [[np.nanmean(item.scores[judge][:, 1:], axis=1) for item in items] for judge in JUDGES],
        axis=0,
    )
    seen -= seen.mean(axis=1, keepdims=True)
    scores[REWARD] = _rewards(seen / seen[whole].std(), np.random.default_rng(SEED))
    return World(
        "recorded scores of RewardBench 2", {judge: one[whole] for judge, one in scores.items()}
    )


def _rewards(common: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """On no scale of their own: those of one prompt can be compared with each other."""
    return 0.5 + 0.2 * (common + REWARD_ERROR * draw.standard_normal(common.shape))
