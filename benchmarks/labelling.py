"""Which answers are worth a person's click: labels needed for the same promise, by how they are
chosen, on recorded scores of judges with gold labels.

``python -m benchmarks.labelling --data FOLDER --to FILE.md``. Everything goes through the product's
own code: the order of `judgeforge label`, the fit of `judgeforge calibrate`, the thresholds. The
recorded pairs of LLMBar (adversarial) measure what labels teach of the judges' weights.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait

import numpy as np

from benchmarks.judging_data import NoDataError, ScoredItem, check_folder, load_scores
from benchmarks.judging_replay import Replay
from benchmarks.judging_report import machine
from benchmarks.judging_scores import JUDGES, VARIANT
from benchmarks.judging_verdicts import adversarial
from judgeforge.calibration.fit import best_of, fit_calibration, ranked
from judgeforge.calibration.labels import Label
from judgeforge.calibration.thresholds import certified_threshold
from judgeforge.calibration.weights import Labelled, labelled_reliability
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import PairingRules
from judgeforge.runs.labelling.choosing import Candidate, spread

MAX_ERROR, DELTA = 0.05, 0.1
LABELS = (40, 60, 80, 100, 120)
PAIR_LABELS = 40
AT = 100
"""Labels drawn at random, whose share kept the other rules have to reach."""
BOOTSTRAP = 500
EXPECTED_EVERY = 5
"""Draws of which one is fitted with labels; a certificate is about an order that needs no fit."""
METHOD = (
    "A run is all recorded items, each with one draw of its judges' scores (RewardBench 2, four "
    "judges once, best of four). Labels are chosen from it by a rule that knows the judges' "
    "confidence and nothing else, and what they promise is counted on the other items of the run. "
    "`surer four fifths only` is no rule for use: nothing is known of the rest, and a threshold "
    "that keeps all that is labelled would keep that as well."
)

Array = np.ndarray
Rule = Callable[[Array, int], list[int]]
"""The confidence of each item and a seed -> places, the first to be labelled first."""


def at_random(sure: Array, seed: int) -> list[int]:
    return [int(i) for i in np.random.default_rng(seed).permutation(len(sure))]


def evenly(sure: Array, seed: int) -> list[int]:
    """The product's own order."""
    candidates = [Candidate(str(i), ("a", "b"), float(p), i) for i, p in enumerate(sure)]
    return [one.place for one in spread(candidates, seed)]


def half_doubtful(sure: Array, seed: int) -> list[int]:
    """In turns one of the even order, and one of the less sure half of the run."""
    return _in_turns(evenly(sure, seed), _of_the_less_sure(sure, seed, 0.5))


def doubtful_only(sure: Array, seed: int) -> list[int]:
    first = _of_the_less_sure(sure, seed, 0.5)
    return [*first, *(i for i in at_random(sure, seed) if i not in set(first))]


def sure_only(sure: Array, seed: int) -> list[int]:
    """Only where a threshold may come to lie; then no label says anything of the rest."""
    least = np.quantile(sure, 0.2)
    order = at_random(sure, seed)
    return [i for i in order if sure[i] >= least] + [i for i in order if sure[i] < least]


def _of_the_less_sure(sure: Array, seed: int, share: float) -> list[int]:
    most = np.quantile(sure, share)
    return [i for i in at_random(sure, seed + 10_000) if sure[i] <= most]


def _in_turns(one: Sequence[int], other: Sequence[int]) -> list[int]:
    both = [place for each in zip(one, other, strict=False) for place in each]
    return list(dict.fromkeys([*both, *one]))


RULES: Mapping[str, Rule] = {
    "at random": at_random,
    "evenly over the confidence": evenly,
    "one evenly, one doubtful": half_doubtful,
    "doubtful half only": doubtful_only,
    "surer four fifths only": sure_only,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """Of one rule at one number of labels: a value for each draw, shares of the unlabelled."""

    kept: Array
    wrong: Array
    right: Array
    """Of all unlabelled, what the fitted judges choose rightly; of no meaning for certificates."""


def main() -> int:
    arguments = _arguments()
    try:
        check_folder(arguments.data)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    text = "\n".join(_report(arguments)) + "\n"
    print(text)
    if arguments.to is not None:
        arguments.to.write_text(text, encoding="utf-8")
    return 0


def _report(arguments: argparse.Namespace) -> list[str]:
    items = load_scores(arguments.data, VARIANT, JUDGES)
    expected, certified = _measured(items, arguments.draws)
    return [
        "# Which answers are worth a click",
        "",
        f"`python -m benchmarks.labelling --data FOLDER --draws {arguments.draws} "
        f"--to benchmarks/results/labelling.md`; {_on()}.",
        "",
        METHOD,
        "",
        f"{len(items)} items; max_error {MAX_ERROR:g}. Shares are of the unlabelled items, means "
        f"over {arguments.draws} draws of scores and labels (where labels are fitted, over each "
        f"{EXPECTED_EVERY}th of these); in brackets 2.5 to 97.5 % of the draws. Intervals of "
        "labels needed are a bootstrap over the draws.",
        "",
        *_table("`guarantee: expected`", expected),
        *_needed("`guarantee: expected`", expected),
        *_table(f"`guarantee: certified`, delta {DELTA:g}", certified),
        *_needed("`guarantee: certified`", certified),
        *_weights(arguments.data, arguments.draws),
    ]


def _on() -> str:
    """Of what machine() tells: nothing here is a time."""
    found = machine()
    packages = ", ".join(f"{name} {value}" for name, value in found["packages"].items())
    return f"{found['date'][:10]}, Python {found['python']}, {packages}"


Cells = dict[tuple[str, int], Cell]


def _measured(items: Sequence[ScoredItem], draws: int) -> tuple[Cells, Cells]:
    found: dict[tuple[str, str, int], list[tuple[float, float, float]]] = {}
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        run = [_asked(Replay(item, rng)) for item in items]
        blind = fit_evidence([one.evidence for one in run])
        said, right = np.array([best_of(ranked(one, blind), one.label) for one in run]).T
        for name, rule in RULES.items():
            order = rule(said, draw)
            for labels in LABELS:
                chosen, rest = order[:labels], order[labels:]
                if draw % EXPECTED_EVERY == 0 and rule is not sure_only:
                    found.setdefault(("expected", name, labels), []).append(
                        _expected([run[i] for i in chosen], [run[i] for i in rest])
                    )
                found.setdefault(("certified", name, labels), []).append(
                    _certified(said, right, chosen, rest)
                )
        print(f"draw {draw + 1} of {draws}", file=sys.stderr)
    cells = {key: Cell(*np.array(values).T) for key, values in found.items()}
    return (
        {key[1:]: cell for key, cell in cells.items() if key[0] == "expected"},
        {key[1:]: cell for key, cell in cells.items() if key[0] == "certified"},
    )


def _asked(replay: Replay) -> Labelled:
    evidence = read_evidence(replay.ask_all(JUDGES), replay.names)
    return Labelled(evidence, Label.of(replay.id, replay.right))


def _expected(chosen: Sequence[Labelled], rest: Sequence[Labelled]) -> tuple[float, float, float]:
    calibration = fit_calibration(chosen, of="best")
    least = calibration.trust(PairingRules(max_error=MAX_ERROR)).least or 0.0
    said, right = [], []
    for one in rest:
        ranking = calibration.apply(ranked(one, calibration.labelled.reliability))
        p, y = best_of(ranking, one.label)
        said.append(p)
        right.append(y)
    kept = np.array(said) > least
    return float(kept.mean()), _wrong(np.array(right), kept), float(np.mean(right))


def _certified(
    said: Array, right: Array, chosen: Sequence[int], rest: Sequence[int]
) -> tuple[float, float, float]:
    least = certified_threshold(said[chosen], right[chosen], MAX_ERROR, DELTA).least
    kept = said[rest] > least
    return float(kept.mean()), _wrong(np.floor(right[rest]), kept), 0.0


def _wrong(right: Array, kept: Array) -> float:
    return float(1.0 - right[kept].mean()) if kept.any() else 0.0


def _table(title: str, cells: Cells) -> list[str]:
    lines = [
        f"## {title}",
        "",
        "| chosen | labels | kept, % | wrong of those kept, % | more than "
        f"{100 * MAX_ERROR + 1:g} % wrong, % of draws |",
        "|---|---|---|---|---|",
    ]
    for (name, labels), cell in cells.items():
        over = 100.0 * float((cell.wrong > MAX_ERROR + 0.01).mean())
        lines.append(
            f"| {name} | {labels} | {_spread_of(cell.kept)} | {_spread_of(cell.wrong)} "
            f"| {over:.0f} |"
        )
    return [*lines, ""]


def _spread_of(values: Array) -> str:
    low, high = np.percentile(100.0 * values, [2.5, 97.5])
    return f"{100.0 * values.mean():.1f} ({low:.1f} to {high:.1f})"


def _needed(title: str, cells: Cells) -> list[str]:
    lines = [
        f"Labels needed to keep what {AT} labels drawn at random keep, {title}:",
        "",
        "| chosen | labels needed | interval |",
        "|---|---|---|",
    ]
    draws = len(cells["at random", AT].kept)
    rng = np.random.default_rng(0)
    again = [rng.integers(0, draws, draws) for _ in range(BOOTSTRAP)]
    for name in dict.fromkeys(name for name, _ in cells):
        point = _labels_for(cells, name, np.arange(draws))
        each = [_labels_for(cells, name, places) for places in again]
        low, high = np.percentile(each, [2.5, 97.5])
        lines.append(f"| {name} | {_labels(point)} | {_labels(low)} to {_labels(high)} |")
    return [*lines, ""]


def _labels(number: float) -> str:
    if number <= LABELS[0]:
        return f"{LABELS[0]} or fewer"
    return f"over {LABELS[-1]}" if number > LABELS[-1] else f"{number:.0f}"


def _labels_for(cells: Cells, name: str, draws: Array) -> float:
    """By straight lines between the numbers tried."""
    goal = cells["at random", AT].kept[draws].mean()
    kept = [float(cells[name, labels].kept[draws].mean()) for labels in LABELS]
    best = np.maximum.accumulate(kept)
    if best[0] >= goal:
        return float(LABELS[0])
    if best[-1] < goal:
        return LABELS[-1] + 1.0
    return float(np.interp(goal, best, LABELS))


def _weights(data: Path, draws: int) -> list[str]:
    lines = [
        f"## What {PAIR_LABELS} labels teach of the judges' weights",
        "",
        "Right choices on the unlabelled pairs of LLMBar (adversarial), six judges, without a "
        "correction for length.",
        "",
        "| prompt | chosen | right, % |",
        "|---|---|---|",
    ]
    for strategy in ("metrics_reference", "cot"):
        pairs = adversarial(data, strategy)
        items = [
            Labelled(read_evidence(one.judgments), Label.of(one.id, one.better)) for one in pairs
        ]
        items = [one for one in items if len(one.evidence.completion_ids) == 2]
        blind = fit_evidence([one.evidence for one in items])
        sure = np.array([best_of(ranked(one, blind), one.label)[0] for one in items])
        for name, rule in RULES.items():
            right = np.array([_taught(items, blind, rule(sure, draw)) for draw in range(draws)])
            lines.append(f"| {strategy} | {name} | {_spread_of(right)} |")
    return [*lines, ""]


def _taught(items: Sequence[Labelled], blind: Reliability, order: Sequence[int]) -> float:
    known = labelled_reliability([items[i] for i in order[:PAIR_LABELS]], blind)
    rest = [items[i] for i in order[PAIR_LABELS:]]
    return float(np.mean([best_of(ranked(one, known), one.label)[1] for one in rest]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How labels are best chosen, on recorded scores.")
    parser.add_argument("--data", type=Path, required=True, help="recorded judge data")
    parser.add_argument("--draws", type=int, default=100, help="of scores and of labels")
    parser.add_argument("--to", type=Path, help="where the tables go (Markdown)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
