"""Two recorded sets whose writers are known, as prompts that judges answer when asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.judging_data import PAIRS, VERDICTS, as_judgment, read_rows
from judgeforge.ranking.protocols import Shows
from judgeforge.records import Judgment

ALPACA = "alpaca_prefs.jsonl.gz"
DATASET = "pandalm"
TWO_JUDGES = ("pandalm-7b", "gpt-3.5-turbo")
COMPLETIONS = 4
CHEAP, STRONG = "cheap", "strong"
SIGNAL_OVER_ERROR: Mapping[str, float] = {CHEAP: 1.1, STRONG: 2.0}
"""Of the quality within a prompt, over all error of one answer: the median of recorded judges, and
that of the best of them."""
SHARED, TASTES, LASTING = 0.28, 0.2, 0.5
"""Of the variance of errors: what both judges share; what is a judge's taste for a writer; and what
of the rest asking again does not take away."""
_LOGIT_RANGE = 6.0


class World(Protocol):
    """One prompt, and what judges say of it when asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the completions."""

    @property
    def writers(self) -> Mapping[str, str]:
        """Completion id -> who wrote it."""

    @property
    def shows(self) -> Shows: ...

    def ask(self, judge: str, places: tuple[int, ...], repeat: int) -> Judgment: ...

    def right(self, better: str, worse: str) -> float:
        """Share of truth that says so; a tie is half."""


@dataclass(frozen=True, slots=True)
class PeoplePair:
    """A pair of PandaLM: two recorded judges, each asked once, and the votes of three people."""

    id: str
    names: tuple[str, ...]
    writers: Mapping[str, str]
    verdicts: Mapping[str, Judgment]
    votes: tuple[str, ...]
    shows: Shows = "two"

    def ask(self, judge: str, places: tuple[int, ...], repeat: int) -> Judgment:
        del places, repeat
        return self.verdicts[judge]

    def right(self, better: str, worse: str) -> float:
        del worse
        side = better.rpartition(".")[2]
        return float(np.mean([0.5 if v == "tie" else float(v == side) for v in self.votes]))


def people_pairs(data: Path) -> list[PeoplePair]:
    said: dict[str, dict[str, Judgment]] = defaultdict(dict)
    for row in read_rows(data / VERDICTS):
        if row["judge"] in TWO_JUDGES and row["strategy"] == DATASET and row["verdict"]:
            said[row["item_id"]][row["judge"]] = as_judgment(row)
    found = []
    for row in read_rows(data / PAIRS):
        name = row["item_id"]
        if row["dataset"] != DATASET or len(said[name]) < len(TWO_JUDGES):
            continue
        sides = (f"{name}.a", f"{name}.b")
        writers = dict(zip(sides, row["generators"].split("_"), strict=True))
        found.append(PeoplePair(name, sides, writers, said[name], tuple(row["human_votes"])))
    return found


@dataclass(frozen=True, slots=True)
class AlpacaPrompt:
    """A prompt of AlpacaEval with some of its 58 writers: the recorded preference of a strong judge
    is the truth, and the judges that are asked are simulated."""

    id: str
    names: tuple[str, ...]
    writers: Mapping[str, str]
    quality: Mapping[str, float]
    errors: Mapping[str, np.ndarray]
    """Judge -> (completions, answers)"""
    shows: Shows = "one"

    def ask(self, judge: str, places: tuple[int, ...], repeat: int) -> Judgment:
        name = self.names[places[0]]
        score = self.quality[name] + self.errors[judge][places[0], repeat]
        return Judgment(
            id=f"{name}.{judge}.{repeat}",
            prompt_id=self.id,
            completion_ids=(name,),
            judge=judge,
            protocol="pointwise",
            repeat=repeat,
            score=float(np.clip(score, 0.0, 1.0)),
        )

    def right(self, better: str, worse: str) -> float:
        gap = self.quality[better] - self.quality[worse]
        return 0.5 if gap == 0 else float(gap > 0)


def alpaca_prompts(data: Path, pool: Sequence[str], seed: int) -> list[AlpacaPrompt]:
    """``pool``: the writers, of which four are drawn for each prompt."""
    draw = np.random.default_rng(seed)
    rows = list(read_rows(data / ALPACA))
    chosen = [draw.permutation(len(pool))[:COMPLETIONS] for _ in rows]
    raw = [
        np.array([_logit(row["models"][pool[k]][0]) for k in places])
        for row, places in zip(rows, chosen, strict=True)
    ]
    unit = 0.2 / float(np.sqrt(np.mean([values.var(ddof=1) for values in raw])))
    centre = float(np.mean(np.concatenate(raw)))
    tastes = {judge: draw.normal(0.0, 1.0, len(pool)) for judge in SIGNAL_OVER_ERROR}
    found = []
    for row, places, values in zip(rows, chosen, raw, strict=True):
        names = tuple(f"{row['prompt_id']}.c{i}" for i in range(len(places)))
        quality = 0.5 + unit * (values - centre)
        found.append(
            AlpacaPrompt(
                row["prompt_id"],
                names,
                {name: pool[k] for name, k in zip(names, places, strict=True)},
                dict(zip(names, quality.tolist(), strict=True)),
                _errors(draw, places, tastes),
            )
        )
    return [found[i] for i in draw.permutation(len(found))]


def alpaca_writers(data: Path) -> list[str]:
    """Those of all prompts, best first."""
    rows = list(read_rows(data / ALPACA))
    names = set.intersection(*(set(row["models"]) for row in rows))
    means = {name: np.mean([row["models"][name][0] for row in rows]) for name in names}
    return sorted(names, key=lambda name: (-means[name], name))


def _errors(
    draw: np.random.Generator, places: np.ndarray, tastes: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    shared, found = draw.normal(0.0, 1.0, len(places)), {}
    for judge, ratio in SIGNAL_OVER_ERROR.items():
        own = 1.0 - SHARED - TASTES
        lasting = draw.normal(0.0, 1.0, len(places))
        again = draw.normal(0.0, 1.0, (len(places), 2))
        error = np.sqrt(SHARED) * shared + np.sqrt(TASTES) * tastes[judge][places]
        error = error + np.sqrt(own * LASTING) * lasting
        both = error[:, None] + np.sqrt(own * (1.0 - LASTING)) * again
        found[judge] = 0.2 / ratio * both
    return found


def _logit(share: float) -> float:
    inside = min(max(share, 1e-6), 1.0 - 1e-6)
    return float(np.clip(np.log(inside / (1.0 - inside)), -_LOGIT_RANGE, _LOGIT_RANGE))
