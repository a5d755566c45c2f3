"""A family of worlds that no constant was chosen on: other noise, ties, laws and steps of scores.

Each world draws its own share of equal completions, law of qualities, steps of scores and judges.
Judges are drawn as recorded ones are spread. What holds over all worlds together need not hold in
each: a judge alone shows too little of itself, and the error that is left in a world is what no
reporter could avoid who knows the family and not the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.confidence_report import FamilyTold, Told
from benchmarks.confidence_worlds import ANSWERS, COMPLETIONS, Item
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability

FIT_PROMPTS, PROMPTS = 64, 256
FIRST_SEED = 5000
JUDGES = ("one", "two", "three")
_FREEDOMS, _STEPS = (4.0, 6.0, 30.0), (4, 9, 19, 99)
_SIGNAL, _SIGNAL_SD = 1.4, 0.7
_OWN_OVER_REPEAT, _OWN_OVER_REPEAT_SD = 1.4, 0.4

Array = NDArray[np.float64]


def measure(worlds: int) -> list[FamilyTold]:
    """One judge whose first prompts are asked twice, two judges, three judges."""
    drawn = [draw_world(FIRST_SEED + seed) for seed in range(worlds)]
    return [
        FamilyTold(number, tuple(_told(items, JUDGES[:number]) for items in drawn))
        for number in (1, 2, 3)
    ]


def _told(items: Sequence[Item], judges: Sequence[str]) -> Told:
    again = len(judges) == 1
    first = [
        item.ask_all(judges, ANSWERS if again and item.is_drawn else 1)
        for item in items[:FIT_PROMPTS]
    ]
    known = fit_reliability(first)
    judged = first + [item.ask_all(judges) for item in items[FIT_PROMPTS:]]
    better, tie, sign = list[float](), list[float](), list[float]()
    for item, judgments in zip(items, judged, strict=True):
        for pair in select_pairs(rank(judgments, reliability=known)).pairs:
            better.append(pair.confidence)
            tie.append(pair.p_tie)
            sign.append(float(np.sign(item.difference(pair.chosen_id, pair.rejected_id))))
    outcome = np.array(sign)
    return Told(np.array(better), np.array(tie), outcome > 0, outcome == 0, float(len(judges)))


def draw_world(seed: int) -> list[Item]:
    draw = np.random.default_rng(seed)
    all_tied, copied = draw.uniform(0.0, 0.2), draw.uniform(0.0, 0.25)
    law, steps = str(draw.choice(["normal", "skewed", "counts"])), int(draw.choice(_STEPS))
    freedom, shared = float(draw.choice(_FREEDOMS)), draw.uniform(0.2, 0.45)
    spread = draw.uniform(0.1, 0.3)
    judges = {name: _Judge.drawn(draw, spread, freedom) for name in JUDGES}
    items = list[Item]()
    for number in range(PROMPTS):
        quality = spread * _qualities(draw, law)
        if draw.random() < all_tied:
            quality[:] = quality[0]
        for place in range(1, COMPLETIONS):
            if draw.random() < copied:
                quality[place] = quality[draw.integers(place)]
        common = draw.normal(size=COMPLETIONS)
        centre = draw.normal(0.55, 0.1)
        scores = {
            name: one.scores(draw, quality + centre, common, shared, steps)
            for name, one in judges.items()
        }
        items.append(Item(f"w{seed}.p{number}", quality, scores))
    return items


@dataclass(frozen=True, slots=True)
class _Judge:
    scale: float
    own_sd: float
    repeat_sd: float
    freedom: float

    @classmethod
    def drawn(cls, draw: np.random.Generator, spread: float, freedom: float) -> _Judge:
        scale = float(np.exp(draw.normal(0.0, 0.12)))
        ratio = _SIGNAL * np.exp(_SIGNAL_SD * np.clip(draw.normal(), -1.5, 1.5))
        own = float(scale * spread / ratio)
        repeat = own / (_OWN_OVER_REPEAT * np.exp(draw.normal(0.0, _OWN_OVER_REPEAT_SD)))
        return cls(scale, own, float(repeat), freedom)

    def scores(
        self, draw: np.random.Generator, quality: Array, common: Array, shared: float, steps: int
    ) -> Array:
        """``shared``: share of the variance of one answer's error that all judges make."""
        whole = np.sqrt(shared * (self.own_sd**2 + self.repeat_sd**2))
        alone = np.sqrt(max(self.own_sd**2 - whole**2, 0.0))
        lasting = 0.5 + self.scale * (quality - 0.5) + draw.normal(0.0, 0.04)
        lasting = lasting + whole * common + alone * self._error(draw, (COMPLETIONS,))
        said = lasting[:, None] + self.repeat_sd * self._error(draw, (COMPLETIONS, ANSWERS))
        return np.asarray(np.clip(np.round(steps * said), 0, steps) / steps)

    def _error(self, draw: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Of variance 1."""
        scale = np.sqrt((self.freedom - 2.0) / self.freedom)
        return np.asarray(draw.standard_t(self.freedom, shape) * scale)


def _qualities(draw: np.random.Generator, law: str) -> Array:
    """Of variance about 1."""
    if law == "normal":
        return np.asarray(draw.normal(size=COMPLETIONS))
    if law == "skewed":
        return np.asarray(1.0 - draw.exponential(size=COMPLETIONS))
    return np.asarray((draw.binomial(6, 0.5, COMPLETIONS) - 3.0) / np.sqrt(1.5))
