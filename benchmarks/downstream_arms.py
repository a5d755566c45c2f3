"""The ways of spending that the downstream benchmark trains on, in the order of importance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.confidence_worlds import CHEAP, COMPLETIONS, STRONG, Item
from benchmarks.training_pairs import (
    BEST,
    FIT_PROMPTS,
    PANEL,
    Bought,
    Pair,
    Way,
    always,
    buy,
    cascade,
    everybody,
)
from judgeforge.ranking.rules import PairingRules

FULL = 1200
"""Prompts of the experiment that the smaller ones repeat in small."""
TEAM = (BEST, STRONG[0], STRONG[2])


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    prices: Mapping[str, float]
    noise: float = 1.0
    """Of the judges, as a multiple of what was recorded."""


GROUPS = {
    group.name: group
    for group in (
        Group("calls", "All judges cost the same", dict.fromkeys(PANEL, 1.0)),
        Group(
            "money",
            "A strong judge costs four cheap ones",
            {CHEAP: 1.0} | dict.fromkeys(STRONG, 4.0),
        ),
        Group(
            "noisy",
            "The same as the first, judges 2.5 times as noisy",
            dict.fromkeys(PANEL, 1.0),
            2.5,
        ),
    )
}
ALL, FIRST = tuple(GROUPS), ("calls",)


@dataclass(frozen=True, slots=True)
class Arm:
    name: str
    way: Way | None = None
    """None: nobody judges (``choose``), or nothing is trained."""
    groups: tuple[str, ...] = ALL
    rules: PairingRules | None = None
    choose: Callable[[Item, np.random.Generator], tuple[int, int]] | None = None
    is_smoothed: bool = False
    """Whether the loss is told what share of the labels is expected to be wrong."""

    @property
    def completions(self) -> int:
        """Of each prompt, those that may be sampled in doubt included."""
        return self.way.completions if self.way else COMPLETIONS

    def flipped(self, pairs: Sequence[Pair]) -> float:
        """By the pairs' own confidences, as the card of a run states it."""
        sure = [pair.confidence for pair in pairs if pair.confidence is not None]
        return float(1.0 - np.mean(sure)) if self.is_smoothed and sure else 0.0


def by_truth(item: Item, _: np.random.Generator) -> tuple[int, int]:
    return int(item.quality.argmax()), int(item.quality.argmin())


def by_chance(item: Item, draw: np.random.Generator) -> tuple[int, int]:
    chosen, rejected = draw.choice(len(item.quality), 2, replace=False)
    return int(chosen), int(rejected)


SINGLE = Way("one judge", (BEST,), always(everybody([BEST])), is_raw=True)
CHEAP_SINGLE = Way("cheap judge", (CHEAP,), always(everybody([CHEAP])), is_raw=True)
LEARNT = Way("one judge, learnt", (BEST,), always(everybody([BEST])), everybody([BEST], 2))
TRAINING = Way("aim training", TEAM, cascade(TEAM, training=True), everybody(TEAM))
RIGHTNESS = Way("aim rightness", TEAM, cascade(TEAM, training=False), everybody(TEAM))
MEAN = Way("panel", PANEL, always(everybody(PANEL)), is_raw=True)

MORE = 4
IN_DOUBT = Way(
    "one judge, aim training, more in doubt",
    (BEST,),
    cascade([BEST], training=True, more=MORE),
    lambda item, _: item.first(COMPLETIONS).ask_all([BEST], 2),
    completions=COMPLETIONS + MORE,
)

ARMS = (
    Arm("one judge", SINGLE),
    Arm("aim: training", TRAINING),
    Arm("one judge, aim: training, more in doubt", IN_DOUBT),
    Arm("aim: training, surest two thirds", replace(TRAINING, surest=2 / 3)),
    Arm("before training", groups=FIRST),
    Arm("one judge, learnt, surest two thirds", replace(LEARNT, surest=2 / 3)),
    Arm("truth", choose=by_truth, groups=FIRST),
    Arm("chance", choose=by_chance, groups=FIRST),
    Arm("mean of four judges", MEAN),
    Arm("aim: rightness", RIGHTNESS),
    Arm("cheap judge", CHEAP_SINGLE),
    Arm("aim: training, label smoothing", TRAINING, is_smoothed=True),
    Arm("aim: training, min_confidence 0.8", TRAINING, rules=PairingRules(min_confidence=0.8)),
    Arm("aim: training, min_confidence 0.9", TRAINING, rules=PairingRules(min_confidence=0.9)),
    Arm(
        "aim: training, all_pairs at 0.8",
        TRAINING,
        rules=PairingRules(strategy="all_pairs", min_confidence=0.8),
    ),
)


def made_by(
    arm: Arm, items: Sequence[Item], money: float, prices: Mapping[str, float], seed: int
) -> Bought | None:
    """The pairs that the money buys; None where nothing is to be trained.

    Judges are measured on as large a share of the prompts as in the full experiment.
    """
    if arm.way is not None:
        fit = round(FIT_PROMPTS * min(1.0, len(items) / FULL))
        return buy(items, arm.way, money, prices, arm.rules, fit_prompts=fit)
    if arm.choose is None:
        return None
    draw = np.random.default_rng(seed)
    pairs = [Pair(item, *arm.choose(item, draw)) for item in items]
    if arm.choose is by_truth:
        pairs = [pair for pair in pairs if pair.gap > 0]
    return Bought(len(items), pairs, is_all=True)
