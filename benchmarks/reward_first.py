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
TARGETS = (0.6, 0.7, 0.8, 0.9)
MIN_GAIN = 0.0001
DRAWS = 5
WIDEST = (0.1, 0.2, 0.3, 0.5)
_RESAMPLES = 2000
NOT_HELD_OUT = (
    "**The rows of the two cascades are no held-out test.** How a reward model is weighed by "
    "another judge's verdicts was changed three times after looking at these same pairs "
    "([0044](../../docs/decisions/0044-rewards-are-compared-within-a-prompt.md) has what each "
    "version gave). Halving the pairs keeps what a run learns apart from what it is tried on, and "
    "not the rule itself. The first two tables involve no rule. All of it is recorded: no vLLM, "
    "SGLang or TEI server and no reward model was run for it."
)
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


def right_alone(pairs: Sequence[Pair], said: Sequence[Sequence[Judgment]]) -> Floats:
    known = fit_reliability(said)
    return np.array([share_right(one, each, known) for one, each in zip(pairs, said, strict=True)])


def alone_table(pairs: Sequence[Pair], judges: Sequence[str]) -> list[str]:
    said = {LLM: [one.verdicts for one in pairs]}
    said |= {judge: [one.rewards[judge] for one in pairs] for judge in judges}
    return [
        "| judge | right |",
        "|---|---|",
        *(f"| {name} | {interval(right_alone(pairs, each))} |" for name, each in said.items()),
    ]


def widest_table(pairs: Sequence[Pair], judges: Sequence[str]) -> list[str]:
    """Nothing is learnt here: a share of the pairs, by the gap of their rewards alone."""
    llm = right_alone(pairs, [one.verdicts for one in pairs])
    lines = [
        "| reward model | " + " | ".join(f"{share:.0%}" for share in WIDEST) + " |",
        "|---" * (len(WIDEST) + 1) + "|",
    ]
    for judge in judges:
        own = right_alone(pairs, [one.rewards[judge] for one in pairs])
        gaps = [abs(a.rewards[0] - b.rewards[0]) for a, b in (p.rewards[judge] for p in pairs)]
        order = np.argsort(gaps)[::-1]
        cells = []
        for share in WIDEST:
            chosen = order[: round(share * len(pairs))]
            mixed = llm.copy()
            mixed[chosen] = own[chosen]
            cells.append(interval(mixed - llm))
        lines.append(f"| {judge} | " + " | ".join(cells) + " |")
    return lines


def cascade_table(
    pairs: Sequence[Pair], judges: Sequence[str], draws: int, *, labels: bool
) -> list[str]:
    lines = [
        "| reward model | target | calls saved | right | right, less o1-mini alone | promised |",
        "|---|---|---|---|---|---|",
    ]
    for judge in judges:
        for target, found in replay(pairs, judge, draws, labels=labels).items():
            lines.append(
                f"| {judge} | {target} | {interval(found.saved)} | {interval(found.right)} "
                f"| {interval(found.right - found.llm_right)} | {found.promised.mean():.1%} |"
            )
    return lines


def report(pairs: Sequence[Pair], draws: int) -> str:
    judges = sorted(pairs[0].rewards)
    parts = [
        "# A reward model first, a stronger judge in doubt",
        "Made by `python -m benchmarks.reward_first --data FOLDER --to "
        "benchmarks/results/reward-first.md`.",
        f"{len(pairs)} recorded pairs of JudgeBench, of which one side is right by an objective "
        f"check; raw rewards of five reward models and verdicts of {LLM} in both orders (2 calls a "
        "pair). Intervals are 95 %, by resampling pairs.",
        NOT_HELD_OUT,
        "## Each alone",
        *_block(alone_table(pairs, judges)),
        "## The widest gaps to the reward model, all other pairs to o1-mini",
        "Share right less that of o1-mini on all pairs, by the share of its calls that is saved. "
        "Nothing is learnt here.",
        *_block(widest_table(pairs, judges)),
        "## The cascade, without labels",
        f"Reward model in tier 1, o1-mini in tier 2, `min_gain: {MIN_GAIN}`. Each half of {draws} "
        "random halvings is judged with what the other half has shown (about 45 pairs, on which "
        "o1-mini is asked everything). *Promised* is the mean probability of being right.",
        *_block(cascade_table(pairs, judges, draws, labels=False)),
        "## The cascade, with labels of the other half",
        *_block(cascade_table(pairs, judges, draws, labels=True)),
    ]
    return "\n\n".join(parts) + "\n"


def _block(lines: Sequence[str]) -> list[str]:
    return ["\n".join(lines)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--to", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS)
    asked = parser.parse_args()
    try:
        check_folder(asked.data)
    except NoDataError as error:
        sys.exit(str(error))
    text = report(load_pairs(asked.data), asked.draws)
    if asked.to is None:
        print(text)
    else:
        asked.to.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
