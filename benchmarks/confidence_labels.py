"""Whether pairs are as often right, tied and wrong as they say once some are labelled.

``python benchmarks/confidence_labels.py --data FOLDER`` prints the tables and writes them to
``benchmarks/results/confidence-labels.md``. FOLDER and worlds are those of confidence.py, the four
completions on which nothing was chosen. Some prompts of each world have the best and the worst
completion, as the judges rank them, labelled by their true quality, ties among them; ``calibrate``
learns from these, and all other prompts are measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from benchmarks import confidence_people
from benchmarks.confidence_report import Told, by_chance, calibration_error, joined
from benchmarks.confidence_worlds import (
    CHEAP,
    STRONG,
    Item,
    draw_world,
    judge_with_cascade,
    load_rows,
)
from benchmarks.judging_data import NoDataError, check_folder
from judgeforge.calibration.api import calibrate
from judgeforge.calibration.labels import Label
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.pairing.selection import SelectedPair, Trust, select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.rules import CascadeRules, PairingRules
from judgeforge.records import Judgment

RESULTS = Path(__file__).parent / "results" / "confidence-labels.md"
WORLDS, PROMPTS, FIRST_SEED, FIT_PROMPTS = 8, 500, 200, 64
BINS, DRAWS = 10, 200
NUMBERS = (0, 40, 100)

Judging = Callable[[Item, Reliability], list[Judgment]]


@dataclass(frozen=True, slots=True)
class Way:
    judges: tuple[str, ...]
    of: str | None = None
    """Of the cascade that begins with the first judge; None where all are asked everything."""

    def judge(self, item: Item, known: Reliability) -> list[Judgment]:
        if self.of is None:
            return item.ask_all(self.judges)
        rules = CascadeRules.model_validate({"target_confidence": 0.9, "of": self.of})
        return judge_with_cascade(item, self.judges, rules, known)

    def first(self, item: Item) -> list[Judgment]:
        """A judge that is alone is asked again, and a cascade asks all, on prompts drawn for it."""
        if self.of is not None:
            return item.ask_all(self.judges) if item.is_drawn else self.judge(item, PRIOR)
        again = len(self.judges) == 1 and item.is_drawn
        return item.ask_all(self.judges, 2 if again else 1)


ALL = (CHEAP, *STRONG)
WAYS: Mapping[str, Way] = {
    "one cheap judge": Way((CHEAP,)),
    "one strong judge": Way((STRONG[1],)),
    "two judges far apart": Way((CHEAP, STRONG[1])),
    "panel of four": Way(ALL),
    "cascade of: pair": Way(ALL, "pair"),
    "cascade of: best": Way(ALL, "best"),
}
SEEN = ("in its prompt", "two alone", "and first prompts")
"""What the judges are measured on: all completions of a labelled prompt, the two that are labelled,
or all of them and, without labels, the first prompts of the run."""

Column = NDArray[np.float64]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--worlds", type=int, default=WORLDS, help=f"default {WORLDS}")
    arguments = parser.parse_args()
    try:
        check_folder(arguments.data)
        rows = load_rows(arguments.data, held_out=True)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.process_time()
    told: dict[tuple[str, str, int], list[Told]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + arguments.worlds):
        items = draw_world(rows, seed, PROMPTS)
        for name, way in WAYS.items():
            told.setdefault((name, "-", 0), []).append(measure(items, way, 0))
            for seen in SEEN if way.of is None else SEEN[:1]:
                for number in NUMBERS[1:]:
                    found = measure(items, way, number, seen)
                    told.setdefault((name, seen, number), []).append(found)
    people = confidence_people.measure(arguments.data)
    text = _as_markdown(told, people, arguments.worlds, time.process_time() - begun)
    print(text)
    RESULTS.write_text(text, encoding="utf-8")
    return 0


def measure(items: Sequence[Item], way: Way, number: int, seen: str = SEEN[0]) -> Told:
    """``number``: of labels; without any, a run learns from its first prompts."""
    first = [way.first(item) for item in items[:FIT_PROMPTS]]
    known, trust = fit_reliability(first, same_writer=1.0), Trust()
    if number:
        known, trust = _calibrated(items[:number], way, known, first, seen)
    better, tie, sign, calls = list[float](), list[float](), list[float](), 0
    rest = items[FIT_PROMPTS + max(NUMBERS) :]
    for item in rest:
        judgments = way.judge(item, known)
        calls += len(judgments)
        for pair in _pairs(judgments, known, trust):
            better.append(pair.confidence)
            tie.append(pair.p_tie)
            sign.append(_sign(item, pair))
    outcome = np.array(sign)
    calls_each = calls / sum(len(item.quality) for item in rest)
    return Told(np.array(better), np.array(tie), outcome > 0, outcome == 0, calls_each)


def _calibrated(
    items: Sequence[Item],
    way: Way,
    known: Reliability,
    first: Sequence[Sequence[Judgment]],
    seen: str,
) -> tuple[Reliability, Trust]:
    by_id = {item.id: item for item in items}
    asked, labels = dict[str, list[Judgment]](), list[Label]()
    for item in items:
        for pair in _pairs(way.judge(item, known), known, Trust()):
            sides = (pair.chosen_id, pair.rejected_id)
            said = item.ask_all(way.judges)
            if seen == "two alone":
                said = [one for one in said if one.completion_ids[0] in sides]
            asked[item.id] = said
            part = (np.sign(_sign(item, pair)) + 1.0) / 2.0
            parts = dict(zip(sides, (part, 1.0 - part), strict=True))
            labels.append(Label(prompt_id=item.id, parts=parts))
    judged = list(asked.values())
    if seen == "and first prompts":
        judged += [said for said in first if said[0].prompt_id not in asked]

    def as_asked(prompt_id: str, reliability: Reliability) -> Evidence:
        places = {one.completion_ids[0] for one in asked[prompt_id]}
        said = way.judge(by_id[prompt_id], reliability)
        return read_evidence([one for one in said if one.completion_ids[0] in places])

    cascade = None if way.of is None else as_asked
    calibration = calibrate(judged, labels, of="pair", as_asked=cascade)
    return calibration.labelled.reliability, calibration.trust(PairingRules())


def _pairs(
    judgments: Sequence[Judgment], known: Reliability, trust: Trust
) -> tuple[SelectedPair, ...]:
    return select_pairs(rank(judgments, reliability=known), trust=trust).pairs


def _sign(item: Item, pair: SelectedPair) -> float:
    return float(np.sign(item.difference(pair.chosen_id, pair.rejected_id)))


def beyond_chance(said: Column, true: Column) -> float:
    """Root mean square calibration error over bins of equally many, less what the spread within
    bins shows by chance alone (the debiased estimate of Kumar, Liang and Ma 2019)."""
    order = np.argsort(said, kind="stable")
    squares = 0.0
    for part in np.array_split(order, BINS):
        gap = float(true[part].mean() - said[part].mean())
        squares += len(part) * (gap**2 - float(true[part].var(ddof=1)) / len(part))
    return max(0.0, squares / len(said)) ** 0.5


def interval(said: Column, true: Column) -> tuple[float, float]:
    """95 % of ``beyond_chance``, by the bootstrap over pairs."""
    draw = np.random.default_rng(0)
    found = [
        beyond_chance(said[rows], true[rows])
        for rows in (draw.integers(0, len(said), len(said)) for _ in range(DRAWS))
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _as_markdown(
    told: Mapping[tuple[str, str, int], Sequence[Told]],
    people: Mapping[str, Told],
    worlds: int,
    seconds: float,
) -> str:
    return "\n".join(
        [
            "# Confidence with labels: promised against real",
            "",
            f"`python benchmarks/confidence_labels.py --data FOLDER` on "
            f"{datetime.now(UTC):%Y-%m-%d}, {seconds:.0f} s of processor time.",
            "",
            f"{worlds} worlds of {PROMPTS} prompts with completions on which nothing was chosen, "
            "each with labels of its own: the best and the worst completion of as many prompts, as "
            "the judges rank them, ties among them. ECE over ten bins of all worlds together, *by "
            "chance* what honest pairs show on as many; *in a world* is the mean over worlds, each "
            f"of about {PROMPTS - FIT_PROMPTS - max(NUMBERS)} pairs, of which chance alone is most "
            "and the labels' own noise the rest. Shares in percent.",
            "",
            "| judges | labels | seen | pairs | wrong, promised | wrong, real | tied, promised "
            "| tied, real | ECE better | ECE tied | by chance | in a world: better, tied "
            "| by chance |",
            "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(*key, parts) for key, parts in told.items()),
            "",
            "## People's votes (PandaLM), without what chance shows",
            "",
            "372 pairs, two recorded judges; right and tied are shares of three votes. *Beyond "
            "chance*: root mean square error over ten bins less what the spread of the votes alone "
            "shows, with 95 % of a bootstrap over pairs (which is upwards of 0 by its own chance).",
            "",
            "| known | ECE better | by chance | beyond chance | ECE tied | by chance "
            "| beyond chance |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *(_people_row(name, one) for name, one in people.items()),
            "",
        ]
    )


def _row(name: str, seen: str, number: int, parts: Sequence[Told]) -> str:
    one = joined(parts)
    alone = [
        (
            calibration_error(each.better, np.asarray(each.right, dtype=float)),
            calibration_error(each.tie, np.asarray(each.tied, dtype=float)),
            by_chance(each.better),
        )
        for each in parts
    ]
    better, tied, chance = np.mean(alone, axis=0)
    return (
        f"| {name} | {number} | {seen} | {len(one.better)} "
        f"| {100 * (1 - one.better - one.tie).mean():.1f} "
        f"| {100 * (1 - one.right - one.tied).mean():.1f} | {100 * one.tie.mean():.1f} "
        f"| {100 * one.tied.mean():.1f} | {calibration_error(one.better, one.right):.3f} "
        f"| {calibration_error(one.tie, one.tied):.3f} | {by_chance(one.better):.3f} "
        f"| {better:.3f}, {tied:.3f} | {chance:.3f} |"
    )


def _people_row(name: str, told: Told) -> str:
    cells = []
    for said, true in ((told.better, told.right), (told.tie, told.tied)):
        real = np.asarray(true, dtype=float)
        low, high = interval(said, real)
        cells.append(
            f"{calibration_error(said, real):.3f} | {by_chance(said):.3f} "
            f"| {beyond_chance(said, real):.3f} ({low:.3f} to {high:.3f})"
        )
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
