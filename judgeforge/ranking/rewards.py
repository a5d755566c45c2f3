"""Rewards, which are of any size, as scores from 0 to 1 within their prompt. Pure.

A reward model's numbers are comparable within a prompt only, and their size means nothing by itself
(one spreads by 20 points, another by 0.02). So each reward is taken from the median of its prompt,
and told as the probability that a Bradley-Terry model of the judge's own temperature gives to being
better than that:

    score = 1 / (1 + exp(-(reward - median) / reward_unit))

The unit is learnt from a run (reliability/rewards.py). The logistic curve keeps the order and tames
heavy tails: one reward far out counts for hardly more than the next. A higher reward never lowers
its completion against another one of the prompt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from judgeforge.ranking.evidence import Cell, Evidence
from judgeforge.ranking.reliability.judges import Reliability

BRADLEY_TERRY_SD = math.pi / math.sqrt(6.0)
"""Of each of two rewards whose difference is log-odds: the difference has the logistic law, whose
standard deviation is pi / sqrt(3) (Bradley and Terry 1952)."""
STEEPEST = 0.25
"""Of the logistic curve: points of score for a unit of reward, at the median."""


def with_rewards_as_scores(evidence: Evidence, reliability: Reliability) -> Evidence:
    """The rewards among the cells, on the scale of scores. Those of a judge whose unit is not known
    are left out: they promise nothing."""
    if not evidence.rewards:
        return evidence
    by_judge: dict[str, list[Cell]] = defaultdict(list)
    for cell in evidence.rewards:
        by_judge[cell.judge].append(cell)
    units = {name: reliability.of(name).reward_unit for name in by_judge}
    told = [
        cell
        for name, unit in units.items()
        if unit is not None
        for cell in _as_scores(by_judge[name], unit)
    ]
    cells = sorted([*evidence.cells, *told], key=lambda one: (one.judge, one.place))
    return replace(evidence, cells=tuple(cells), rewards=())


def _as_scores(rewards: Sequence[Cell], unit: float) -> list[Cell]:
    centre = median(one.mean for one in rewards)
    return [
        replace(
            one,
            scores=tuple(_logistic((reward - centre) / unit) for reward in one.scores),
            stated_variance=one.stated_variance * (STEEPEST / unit) ** 2,
        )
        for one in rewards
    ]


def _logistic(x: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * x))
