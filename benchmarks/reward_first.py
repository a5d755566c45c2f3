"""A reward model first: which share of a stronger judge's calls it saves, and at which share right.

Recorded rewards of five reward models and recorded verdicts of o1-mini (both orders) on the same
pairs of JudgeBench, through the product's own code. For each draw half of the pairs, at random, are
those that a run learns its judges from (o1-mini is asked about all of them); the other half is
judged with what was learnt, o1-mini only where the cascade finds it worth a call.

    python -m benchmarks.reward_first --data FOLDER [--to benchmarks/results/reward-first.md]
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging_data import NoDataError, as_judgment, check_folder, read_rows
from judgeforge.calibration.api import calibrate
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import Spent, next_bundle
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Judgment

REWARDS, LLM = "pointwise.jsonl.gz", "o1-mini-2024-09-12"
TARGETS = (0.6, 0.7, 0.8, 0.9, 1.0)
MIN_GAIN = 0.0001
DRAWS = 40
_RESAMPLES = 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    id: str
    better: str
    rewards: Mapping[str, tuple[Judgment, ...]]
    """Reward model -> its judgments of both sides."""
    verdicts: tuple[Judgment, ...]

    @property
    def names(self) -> tuple[str, str]:
        return f"{self.id}.a", f"{self.id}.b"


def load_pairs(data: Path) -> list[Pair]:
    """Those that o1-mini and all reward models judged, sorted by id."""
    better = {
        row["item_id"]: f"{row['item_id']}.{row['gold']}"
        for row in read_rows(data / "pairs.jsonl.gz")
        if row["dataset"].startswith("judgebench") and row["gold"] in {"a", "b"}
    }
    verdicts: dict[str, list[Judgment]] = defaultdict(list)
    for row in read_rows(data / "verdicts.jsonl.gz"):
        if row["judge"] == LLM and row["item_id"] in better:
            verdicts[row["item_id"]].append(as_judgment(row))
    rewards: dict[str, dict[str, list[Judgment]]] = defaultdict(lambda: defaultdict(list))
    for row in read_rows(data / REWARDS):
        if row["strategy"] == "reward_model" and row["item_id"] in better:
            rewards[row["item_id"]][row["judge"]].append(_reward(row))
    return [
        Pair(name, better[name], {k: tuple(v) for k, v in rewards[name].items()}, tuple(said))
        for name, said in sorted(verdicts.items())
        if rewards[name]
    ]


def _reward(row: Mapping[str, object]) -> Judgment:
    completion = f"{row['item_id']}.{row['target']}"
    return Judgment(
        id=f"{completion}.{row['judge']}",
        prompt_id=str(row["item_id"]),
        completion_ids=(completion,),
        judge=str(row["judge"]),
        protocol="reward",
        rewards=(float(str(row["score"])),),
    )


def share_right(pair: Pair, judgments: Sequence[Judgment], known: Reliability) -> float:
    ranking = rank(judgments, completion_ids=pair.names, reliability=known)
    chances = dict(zip(ranking.completion_ids, ranking.p_best, strict=True))
    mine, best = chances.get(pair.better, 0.0), max(chances.values(), default=0.0)
    if best - min(chances.values(), default=0.0) < 1e-9:
        return 0.5
    return float(mine == best)


def asked_in_doubt(pair: Pair, judge: str, known: Reliability, target: float) -> list[Judgment]:
    """As a cascade asks: the reward model always, o1-mini where its call promises enough."""
    options = [JudgeOption(judge, "one", cost=0.0), JudgeOption(LLM, "two", tier=2)]
    judgments = list(pair.rewards[judge])
    evidence = read_evidence(judgments, pair.names, keep_unjudged=True)
    rules = CascadeRules(target_confidence=target, min_gain=MIN_GAIN)
    if next_bundle(evidence, options, known, rules, Spent(2, 0.0)):
        judgments += pair.verdicts
    return judgments


@dataclass(frozen=True, slots=True)
class Outcome:
    """By pair, means over all draws."""

    saved: Floats
    right: Floats
    llm_right: Floats
    promised: Floats


def learn(pairs: Sequence[Pair], judge: str, *, labels: bool) -> Reliability:
    """From the judgments alone, or with people's labels (`judgeforge calibrate`)."""
    said = [[*one.rewards[judge], *one.verdicts] for one in pairs]
    if not labels:
        return fit_reliability(said)
    right = {one.id: one.better for one in pairs}
    return calibrate(said, right, of="pair").labelled.reliability


def replay(pairs: Sequence[Pair], judge: str, draws: int, *, labels: bool) -> dict[float, Outcome]:
    """By target: each half of each draw is judged with what was learnt from the other half."""
    random = np.random.default_rng(0)
    sums = {target: np.zeros((4, len(pairs))) for target in TARGETS}
    for _ in range(draws):
        order = random.permutation(len(pairs))
        halves = order[: len(pairs) // 2], order[len(pairs) // 2 :]
        for learnt_from, judged in (halves, halves[::-1]):
            learnt = learn([pairs[i] for i in learnt_from], judge, labels=labels)
            for target, sum_ in sums.items():
                for i in judged:
                    sum_[:, i] += _one(pairs[i], judge, learnt, target)
    return {target: Outcome(*(sum_ / draws)) for target, sum_ in sums.items()}


def _one(pair: Pair, judge: str, learnt: Reliability, target: float) -> tuple[float, ...]:
    asked = asked_in_doubt(pair, judge, learnt, target)
    ranking = rank(asked, completion_ids=pair.names, reliability=learnt)
    return (
        float(len(asked) == len(pair.rewards[judge])),
        share_right(pair, asked, learnt),
        share_right(pair, pair.verdicts, learnt),
        max(ranking.p_best),
    )


def interval(values: Floats) -> str:
    """Mean and 95 % by resampling pairs."""
    random = np.random.default_rng(1)
    means = values[random.integers(0, len(values), (_RESAMPLES, len(values)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.1%} ({low:.1%} to {high:.1%})"


def table(pairs: Sequence[Pair], judge: str, draws: int, *, labels: bool) -> list[str]:
    return [
        f"| {judge} | {target} | {interval(found.saved)} | {interval(found.right)} "
        f"| {interval(found.right - found.llm_right)} | {found.promised.mean():.1%} |"
        for target, found in replay(pairs, judge, draws, labels=labels).items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS)
    asked = parser.parse_args()
    try:
        check_folder(asked.data)
    except NoDataError as error:
        sys.exit(str(error))
    pairs = load_pairs(asked.data)
    judges = sorted(pairs[0].rewards)
    print(len(pairs))
    for judge in judges:
        known = fit_reliability([one.rewards[judge] for one in pairs])
        alone = np.array([share_right(one, one.rewards[judge], known) for one in pairs])
        print(judge, interval(alone))
    known = fit_reliability([one.verdicts for one in pairs])
    print(LLM, interval(np.array([share_right(one, one.verdicts, known) for one in pairs])))
    for judge in judges:
        for labels in (False, True):
            print("\n".join(table(pairs, judge, asked.draws, labels=labels)))


if __name__ == "__main__":
    main()
