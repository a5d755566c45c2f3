"""What one more completion of a prompt in doubt brings, beside a fresh prompt for the same money.

``python benchmarks/another_completion.py --data FOLDER`` prints the table and writes it to
``benchmarks/results/another-completion.md``. FOLDER holds downstream/completions.jsonl.gz: eight
completions a prompt, of known quality; judges are simulated ones that match recorded ones.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from benchmarks.confidence_worlds import CHEAP, STRONG, Item, draw_world, load_rows
from benchmarks.judging_data import NoDataError
from judgeforge.ranking.cascade.another import is_about_another
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.choose import next_bundle
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules

RESULTS = Path(__file__).parent / "results" / "another-completion.md"
WORLDS, PROMPTS, FIT_PROMPTS, COMPLETIONS = 4, 500, 64, 4
PANELS = {
    "one cheap judge": (CHEAP,),
    "one strong judge": (STRONG[1],),
    "two judges far apart": (CHEAP, STRONG[1]),
}
PARTS = (0.0, 1 / 3, 2 / 3, 1.0)
PRICE = 1.0 / COMPLETIONS
"""Of a completion with its judgments, in fresh prompts."""


@dataclass(frozen=True, slots=True)
class Step:
    """One prompt with a pair of four completions and one of five."""

    confidence: float
    wrong: tuple[float, float]
    tied: tuple[float, float]
    expected: tuple[float, float]
    """P(rejected is better), as the pairs say."""
    gap: tuple[float, float]
    """Of the true qualities."""
    is_bought: bool
    """Whether a run with ``sampling.more_in_doubt`` would sample the fifth."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        rows = load_rows(arguments.data, all_completions=True)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.process_time()
    found = {name: list[Step]() for name in PANELS}
    for seed in range(WORLDS):
        items = draw_world(rows, 300 + seed, PROMPTS)
        for name, judges in PANELS.items():
            found[name] += _steps(items, judges)
    lines = [row for name, steps in found.items() for row in _rows(name, steps)]
    text = "\n".join(
        [
            "# Another completion of a prompt in doubt, or a fresh prompt",
            "",
            f"`python benchmarks/another_completion.py --data FOLDER` on "
            f"{datetime.now(UTC):%Y-%m-%d}, {time.process_time() - begun:.0f} s of processor time.",
            "",
            f"{WORLDS} draws of judges on {PROMPTS} prompts with completions of known quality; "
            "best against worst of four completions, and of the same four and a fifth that all "
            "judges scored, by how sure the pair of four was. A fifth completion with its "
            "judgments costs a quarter of a fresh prompt, so by the value of decision 0047 it pays "
            "where the "
            f"share of wrong pairs falls by more than {_needed():.1f} points. *Bought* are those "
            "of which a run with `sampling.more_in_doubt` says so before the fifth is written, "
            "where it costs as much as its judgments. Percent; the interval is 95 %.",
            "",
            "| judges | pairs of four | confidence | wrong with 4 | wrong with 5 | fall, points "
            "| fall by the pairs' own word | tied with 4 | tied with 5 | true gap, 4 and 5 "
            "| pays |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
            *lines,
            "",
        ]
    )
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


def _needed() -> float:
    """By how many points the share of wrong pairs has to fall."""
    return 100.0 * PRICE * TrainingValue().worth_a_prompt


def _steps(items: Sequence[Item], judges: Sequence[str]) -> list[Step]:
    alone = len(judges) == 1
    known = fit_reliability(
        [
            item.first(COMPLETIONS).ask_all(judges, 2 if alone and item.is_drawn else 1)
            for item in items[:FIT_PROMPTS]
        ],
        same_writer=1.0,
    )
    found = []
    for item in items[FIT_PROMPTS:]:
        pairs = [_pair(item.first(number), judges, known) for number in (4, 5)]
        four, five = pairs
        if four is not None and five is not None:
            both = zip(four[1:], five[1:], strict=True)
            found.append(Step(four[0], *both, _is_bought(item, judges, known)))
    return found


def _is_bought(item: Item, judges: Sequence[str], known: Reliability) -> bool:
    """All judges were asked everything, so nothing else can be bought for this prompt."""
    options = [JudgeOption(judge, "one", cost=1.0 / len(judges)) for judge in judges]
    training = ForTraining(TrainingValue(), 2.0 * COMPLETIONS, Another(2.0))
    evidence = read_evidence(item.first(COMPLETIONS).ask_all(judges))
    bundle = next_bundle(evidence, options, known, CascadeRules(of="pair"), training=training)
    return is_about_another(bundle, COMPLETIONS)


def _pair(
    item: Item, judges: Sequence[str], known: Reliability
) -> tuple[float, float, float, float, float] | None:
    pairs = select_pairs(rank(item.ask_all(judges), reliability=known)).pairs
    if not pairs:
        return None
    gap = item.difference(pairs[0].chosen_id, pairs[0].rejected_id)
    said = pairs[0]
    doubt = 1.0 - said.confidence - said.p_tie
    return said.confidence, float(gap < 0), float(gap == 0), doubt, gap


def _rows(name: str, steps: Sequence[Step]) -> list[str]:
    ordered = sorted(steps, key=lambda step: step.confidence)
    cuts = [round(part * len(ordered)) for part in PARTS]
    names = ("least sure third", "middle third", "surest third")
    thirds = zip(names, cuts, cuts[1:], strict=False)
    rows = [_row(name, which, ordered[low:high]) for which, low, high in thirds]
    bought = [step for step in steps if step.is_bought]
    left = [step for step in steps if not step.is_bought]
    return [*rows, _row(name, "**bought**", bought), _row(name, "**not bought**", left)]


def _row(name: str, which: str, steps: Sequence[Step]) -> str:
    def of(values: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
        return np.array(values)

    wrong, tied, gap = (of([getattr(s, n) for s in steps]) for n in ("wrong", "tied", "gap"))
    expected = of([step.expected for step in steps])
    fall = 100.0 * (wrong[:, 0] - wrong[:, 1])
    error = 1.96 * float(fall.std(ddof=1)) / len(fall) ** 0.5
    needed = _needed()
    low, high = fall.mean() - error, fall.mean() + error
    pays = "yes" if low > needed else "no" if high < needed else "not shown"
    confidence = 100.0 * float(np.mean([step.confidence for step in steps]))
    told = 100.0 * float((expected[:, 0] - expected[:, 1]).mean())
    return (
        f"| {name} | {which} ({len(steps)}) | {confidence:.0f} | {100 * wrong[:, 0].mean():.1f} "
        f"| {100 * wrong[:, 1].mean():.1f} | {fall.mean():+.1f} ({low:+.1f} to {high:+.1f}) "
        f"| {told:+.1f} | {100 * tied[:, 0].mean():.1f} | {100 * tied[:, 1].mean():.1f} "
        f"| {gap[:, 0].mean():.3f}, {gap[:, 1].mean():.3f} | {pays} |"
    )


if __name__ == "__main__":
    sys.exit(main())
