"""Completions of known quality and simulated judges of them, as their data describe both.

The judges match recorded ones: each has an offset, a scale, a taste for length, a lasting error of
its own and the noise of an answer, and all share an error about each completion.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging_data import NoDataError, read_rows
from judgeforge.ranking.cascade.another import is_about_another
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import Spent, next_bundle
from judgeforge.ranking.cascade.training_value import Another, ForTraining
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

FILE = Path("downstream") / "completions.jsonl.gz"
COMPLETIONS, ANSWERS, LEVELS = 4, 2, 10
_CENTRE, _PROMPT_SD, _SHARED_SD, _FREEDOM = 0.55, 0.05, 0.06, 5


@dataclass(frozen=True, slots=True)
class SimulatedJudge:
    offset: float
    scale: float
    length: float
    own_sd: float
    noise: float


CHEAP, STRONG = "cheap", ("strong 1", "strong 2", "strong 3")
JUDGES = {
    CHEAP: SimulatedJudge(0.06, 0.54, 0.05, 0.148, 0.09),
    STRONG[0]: SimulatedJudge(0.0, 0.71, 0.03, 0.07, 0.06),
    STRONG[1]: SimulatedJudge(0.0, 0.76, 0.03, 0.06, 0.06),
    STRONG[2]: SimulatedJudge(0.0, 0.81, 0.03, 0.058, 0.06),
}
RANDOM = "random"
"""Gives any level with the same probability, whatever it is asked."""


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    quality: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    """Judge -> (completions, answers), 0 to 1."""

    def ask(self, judge: str, place: int, repeat: int = 0) -> Judgment:
        return Judgment(
            id=f"{self.id}.{judge}.{place}.{repeat}",
            prompt_id=self.id,
            completion_ids=(f"{self.id}.c{place}",),
            judge=judge,
            protocol="pointwise",
            repeat=repeat,
            score=float(self.scores[judge][place, repeat]),
        )

    def ask_all(self, judges: Sequence[str], repeats: int = 1) -> list[Judgment]:
        places = range(len(self.quality))
        return [self.ask(j, i, r) for j in judges for i in places for r in range(repeats)]

    def first(self, completions: int) -> Item:
        scores = {judge: given[:completions] for judge, given in self.scores.items()}
        return Item(self.id, self.quality[:completions], scores)

    @property
    def is_drawn(self) -> bool:
        """Whether the judges are measured on it, where half of the first prompts are drawn."""
        return hashlib.sha256(self.id.encode()).digest()[0] < 128

    def difference(self, chosen_id: str, rejected_id: str) -> float:
        chosen, rejected = (int(one.rpartition(".c")[2]) for one in (chosen_id, rejected_id))
        return float(self.quality[chosen] - self.quality[rejected])


def load_rows(
    data: Path, *, held_out: bool = False, all_completions: bool = False
) -> list[dict[str, Any]]:
    """With the first four completions of each prompt or, held out, with the four behind them.

    Raises NoDataError with what to do.
    """
    if not (data / FILE).is_file():
        raise NoDataError(
            f"{data} has no {FILE}. The benchmark measures on completions of known quality that "
            "are not part of the project; give their folder with --data FOLDER."
        )
    part = slice(COMPLETIONS, None) if held_out else slice(COMPLETIONS)
    part = slice(None) if all_completions else part
    return [
        {**row, "completions": row["completions"][part]}
        for row in read_rows(data / FILE)
        if row["side"] == "train"
    ]


def draw_world(
    rows: Sequence[Mapping[str, Any]], seed: int, most: int, noise: float = 1.0
) -> list[Item]:
    """Another order of prompts, other errors of the judges, ``noise`` times the recorded ones."""
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(rows))[:most]
    return [_item(rows[int(i)], draw, noise) for i in order]


def _item(row: Mapping[str, Any], draw: np.random.Generator, times: float) -> Item:
    completions = row["completions"]
    quality = np.array([one["quality"] for one in completions])
    words = np.log([max(1, len(one["text"].split())) for one in completions])
    shared = draw.normal(0.0, _SHARED_SD, len(quality))
    scores = {RANDOM: draw.integers(0, LEVELS, (len(quality), ANSWERS)) / (LEVELS - 1)}
    for name, judge in JUDGES.items():
        lasting = (
            _CENTRE
            + judge.offset
            + judge.scale * (quality - _CENTRE)
            + shared
            + judge.length * (words - words.mean())
            + draw.normal(0.0, _PROMPT_SD)
            + draw.normal(0.0, times * judge.own_sd, len(quality))
        )
        noise = draw.standard_t(_FREEDOM, (len(quality), ANSWERS))
        noise *= times * judge.noise * np.sqrt((_FREEDOM - 2) / _FREEDOM)
        level = np.round((LEVELS - 1) * (lasting[:, None] + noise))
        scores[name] = np.clip(level, 0, LEVELS - 1) / (LEVELS - 1)
    return Item(str(row["id"]), quality, scores)


def judge_with_cascade(
    item: Item,
    judges: Sequence[str],
    rules: CascadeRules,
    reliability: Reliability,
    *,
    prices: Mapping[str, float] | None = None,
    training: ForTraining | None = None,
    more: int = 0,
) -> list[Judgment]:
    """The first judge about everything, the others where it pays. ``more``: so many of the last
    completions are there only where the cascade asks for them; sampling them costs nothing."""
    size = len(item.quality) - more
    options = [
        JudgeOption(
            name, "one", tier=1 if name == judges[0] else 2, cost=prices[name] if prices else 1.0
        )
        for name in judges
    ]
    judgments = item.first(size).ask_all(judges[:1])
    asked = Counter({(judges[0], (place,)): 1 for place in range(size)})
    while True:
        another = Another(options[0].cost) if size < len(item.quality) else None
        bundle = next_bundle(
            read_evidence(
                judgments, tuple(f"{item.id}.c{i}" for i in range(size)), keep_unjudged=True
            ),
            options,
            reliability,
            rules,
            Spent(len(judgments), float(len(judgments))),
            asked=asked,
            training=training and replace(training, another=another),
        )
        if not bundle:
            return judgments
        for ask in bundle:
            judgments += [item.ask(ask.judge, place) for place in ask.places]
            asked.update({(ask.judge, ask.places): 1})
        size += is_about_another(bundle, size)
