"""Best-of-several prompts judged again from recorded scores, through the product's own code.

A draw shuffles everything that must not matter: which recorded answer comes first, the places of
the completions (so that no tie goes to the right one by its place) and the order of the prompts
(so that each can be among those on which the judges are learnt).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.judging_data import ScoredItem
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import Spent, next_bundle
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

FIT_PROMPTS = 64
"""As many prompts as a run judges with the prior and then learns its judges from."""


class Replay:
    """Answers questions about one item with its recorded scores, in an order of its own."""

    def __init__(self, item: ScoredItem, draw: np.random.Generator) -> None:
        places = draw.permutation(item.completions)
        self.id = item.id
        self.names = tuple(f"{item.id}.c{i}" for i in range(item.completions))
        self.right = self.names[int(np.flatnonzero(places == item.right)[0])]
        self._scores = {
            judge: draw.permuted(item.scores[judge], axis=1)[places]
            for judge in sorted(item.scores)
        }
        self._asked: Counter[tuple[str, tuple[int, ...]]] = Counter()

    @property
    def asked(self) -> Mapping[tuple[str, tuple[int, ...]], int]:
        return self._asked

    def restart(self) -> None:
        """The same questions get the same answers again."""
        self._asked.clear()

    def ask(self, judge: str, place: int) -> Judgment:
        repeat = self._asked[judge, (place,)]
        self._asked[judge, (place,)] += 1
        score = float(self._scores[judge][place, repeat])
        lost = bool(np.isnan(score))
        return Judgment(
            id=f"{self.id}.{judge}.{place}.{repeat}",
            prompt_id=self.id,
            completion_ids=(self.names[place],),
            judge=judge,
            protocol="pointwise",
            repeat=repeat,
            score=None if lost else score,
            missing="no score could be read" if lost else None,
        )

    def ask_all(self, judges: Sequence[str], samples: int = 1) -> list[Judgment]:
        places = range(len(self.names))
        return [self.ask(judge, i) for judge in judges for i in places for _ in range(samples)]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a configuration of a run says about its judges."""

    judges: tuple[str, ...]
    """The first is asked about everything, the others where it pays."""
    repeats: int
    rules: CascadeRules
    max_error: float | None = None

    @property
    def options(self) -> list[JudgeOption]:
        return [
            JudgeOption(name, "one", tier=1 if name == self.judges[0] else 2, repeats=self.repeats)
            for name in self.judges
        ]


@dataclass(frozen=True, slots=True)
class Result:
    """Of all prompts, in the order of the items."""

    correct: np.ndarray
    """1 where the right completion is chosen; shared where several are equally likely."""
    confidence: np.ndarray
    """p_best of the chosen completion."""
    calls: np.ndarray
    """A completion."""


def judge_with_cascade(replay: Replay, plan: Plan, reliability: Reliability) -> list[Judgment]:
    replay.restart()
    judgments = replay.ask_all(plan.judges[:1])
    while True:
        bundle = next_bundle(
            read_evidence(judgments, replay.names, keep_unjudged=True),
            plan.options,
            reliability,
            plan.rules,
            Spent(calls=len(judgments), cost=float(len(judgments))),
            asked=replay.asked,
            max_error=plan.max_error,
        )
        if not bundle:
            return judgments
        judgments += [replay.ask(ask.judge, place) for ask in bundle for place in ask.places]


def run(
    items: Sequence[ScoredItem],
    seed: int,
    judge: Callable[[Replay, Reliability], list[Judgment]],
) -> Result:
    """As a run does it: the first prompts judged with the prior, the judges learnt from them, then
    all others judged, and all ranked, with what was learnt."""
    draw = np.random.default_rng(seed)
    replays = [Replay(item, draw) for item in items]
    order = draw.permutation(len(items))
    first, rest = order[:FIT_PROMPTS], order[FIT_PROMPTS:]
    judged = {int(i): judge(replays[i], PRIOR) for i in first}
    learnt = fit_reliability([judged[int(i)] for i in first], same_writer=0.0)
    judged |= {int(i): judge(replays[i], learnt) for i in rest}
    return summarise(
        replays,
        [rank(judged[i], reliability=learnt) for i in range(len(items))],
        [len(judged[i]) for i in range(len(items))],
    )


def summarise(
    replays: Sequence[Replay], rankings: Sequence[Ranking], calls: Sequence[int]
) -> Result:
    return Result(
        np.array([share_right(one, it.right) for it, one in zip(replays, rankings, strict=True)]),
        np.array([max(one.p_best, default=0.0) for one in rankings]),
        np.array([n / len(it.names) for it, n in zip(replays, calls, strict=True)]),
    )


def share_right(ranking: Ranking, right: str) -> float:
    best = max(ranking.p_best, default=0.0)
    likeliest = [
        name
        for name, chance in zip(ranking.completion_ids, ranking.p_best, strict=True)
        if chance > best - 1e-9
    ]
    return likeliest.count(right) / len(likeliest) if likeliest else 0.0
