"""Whether labels ever cost rightness, and what they gain, over many draws of few and many.

``python benchmarks/few_labels.py --data FOLDER`` prints the table and writes it to
``benchmarks/results/few-labels.md``. FOLDER holds rb2_scores, pairs and verdicts (.jsonl.gz) of
recorded judges. Everything goes through the product's own code. The way of weighing labels was
chosen on one half (LLMBar's case studies, and the items of RewardBench 2 whose id hashes to an even
number) before the other half, *not seen*, was looked at.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: more threads only wait
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.few_labels_panels import Panel, panels
from benchmarks.judging_data import NoDataError, check_folder
from benchmarks.judging_scores import expected_calibration_error
from judgeforge.calibration.choice_model import Choice, Prior, fit_weights
from judgeforge.calibration.confidence_fit import fit_confidence
from judgeforge.calibration.fit import best_of, ranked
from judgeforge.calibration.labels import folds
from judgeforge.calibration.weights import Labelled, labelled_reliability
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.reliability.judges import Reliability

RESULTS = Path(__file__).parent / "results" / "few-labels.md"
NUMBERS = (20, 40, 80, 200)
DRAWS, PLAIN_DRAWS, CALIBRATED_DRAWS = 40, 8, 3
LEAST_REST = 40
"""Items without a label, on which rightness is measured."""


@dataclass(frozen=True, slots=True)
class Row:
    panel: str
    is_seen: bool
    labels: int
    without: float
    """Share right without labels, percent."""
    change: float
    """Points that labels change it by, mean over draws."""
    error: float
    """Standard error of that mean over draws."""
    plain: float
    """The same of a fit that follows the labels wherever they point."""
    follows: float
    """Share of the draws in which labels changed any weight."""
    ece_without: float
    ece_with: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"default {DRAWS}")
    arguments = parser.parse_args()
    try:
        check_folder(arguments.data)
    except NoDataError as error:
        print(error, file=sys.stderr)
        return 2
    begun = time.process_time()
    rows = list[Row]()
    for panel in panels(arguments.data):  # written after each: all of it takes a while
        rows += measure(panel, arguments.draws)
        text = _as_markdown(rows, arguments.draws, time.process_time() - begun)
        RESULTS.write_text(text, encoding="utf-8")
    return 0


def measure(panel: Panel, draws: int) -> Iterator[Row]:
    blind = fit_evidence([one.evidence for one in panel.items])
    judge = _Judge(panel.items, blind)
    for number in NUMBERS:
        if number + LEAST_REST > len(panel.items):
            continue
        found = np.array([judge.draw(seed, number) for seed in range(draws)])
        plain = [judge.plain(seed, number) for seed in range(min(draws, PLAIN_DRAWS))]
        calibrated = np.array(
            [judge.calibration_errors(seed, number) for seed in range(CALIBRATED_DRAWS)]
        )
        change = 100.0 * (found[:, 1] - found[:, 0])
        yield Row(
            panel.name,
            panel.is_seen,
            number,
            without=100.0 * float(found[:, 0].mean()),
            change=float(change.mean()),
            error=float(change.std(ddof=1)) / len(change) ** 0.5,
            plain=100.0 * float(np.mean(plain)),
            follows=100.0 * float(found[:, 2].mean()),
            ece_without=float(calibrated[:, 0].mean()),
            ece_with=float(calibrated[:, 1].mean()),
        )
        print(f"{panel.name}, {number} labels: {change.mean():+.2f}", file=sys.stderr, flush=True)


class _Judge:
    def __init__(self, items: Sequence[Labelled], blind: Reliability) -> None:
        self._items, self._blind = items, blind
        self._told = [best_of(ranked(one, blind), one.label) for one in items]

    def draw(self, seed: int, number: int) -> tuple[float, float, float]:
        """Share right of the items without a label, without labels and with them; and whether the
        labels changed a weight."""
        drawn, rest = self._split(seed, number)
        known = labelled_reliability([self._items[i] for i in drawn], self._blind)
        changed = _weights(known) != _weights(self._blind)
        without = self._without(rest)
        return without, self._right(rest, known) if changed else without, float(changed)

    def plain(self, seed: int, number: int) -> float:
        """How much more is right with a fit that follows the labels wherever they point."""
        drawn, rest = self._split(seed, number)
        with patch("judgeforge.calibration.weights.followed_weights", _plainly):
            known = labelled_reliability([self._items[i] for i in drawn], self._blind)
        return self._right(rest, known) - self._without(rest)

    def _without(self, rest: np.ndarray) -> float:
        return float(np.mean([self._told[i][1] for i in rest]))

    def calibration_errors(self, seed: int, number: int) -> tuple[float, float]:
        """ECE of the items without a label: as the posterior has it, and with the labels' map."""
        drawn, rest = self._split(seed, number)
        labelled = [self._items[i] for i in drawn]
        seen = list[tuple[float, float]]()
        for train, test in folds([one.label.prompt_id for one in labelled]):
            known = labelled_reliability([labelled[i] for i in train], self._blind)
            seen += self._predicted([labelled[i] for i in test], known)
        learnt = fit_confidence(*np.array(seen).T).expected
        known = labelled_reliability(labelled, self._blind)
        said, right = np.array(self._predicted([self._items[i] for i in rest], known)).T
        before = np.array([self._told[i] for i in rest])
        return (
            expected_calibration_error(before[:, 0], before[:, 1]),
            expected_calibration_error(learnt.of(said), right),
        )

    def _split(self, seed: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        order = np.random.default_rng((seed, number)).permutation(len(self._items))
        return order[:number], order[number:]

    def _right(self, rest: np.ndarray, known: Reliability) -> float:
        return float(
            np.mean([y for _, y in self._predicted([self._items[i] for i in rest], known)])
        )

    def _predicted(
        self, items: Sequence[Labelled], known: Reliability
    ) -> list[tuple[float, float]]:
        return [best_of(ranked(one, known), one.label) for one in items]


def _weights(known: Reliability) -> list[tuple[float, float]]:
    return [(round(one.own_sd, 9), round(one.discrimination, 9)) for one in known.judges]


def _plainly(
    choices: Sequence[Choice], prompt_ids: Sequence[str], prior: Prior, *, corrections: int = 0
) -> np.ndarray:
    """The most probable weights around those without labels, whatever that gains."""
    del prompt_ids, corrections
    return fit_weights(choices, prior)


def _as_markdown(rows: Sequence[Row], draws: int, seconds: float) -> str:
    worst = min(rows, key=lambda row: row.change)
    lines = [
        "# Few labels: what they cost and what they gain",
        "",
        f"`python benchmarks/few_labels.py --data FOLDER` on {datetime.now(UTC):%Y-%m-%d}, "
        f"{seconds:.0f} s of processor time.",
        "",
        f"{draws} draws of labels for each row; rightness is of the items without a label, on the "
        "same items with and without. *Changed*: share of the draws in which labels changed a "
        "weight at all. *Plain fit*: the most probable weights around those without labels, as "
        f"before decision 0057 (over {PLAIN_DRAWS} of the draws). Lengths are known to neither. "
        f"ECE, over {CALIBRATED_DRAWS} draws: of p_best as the posterior has it, and "
        "with weights and map of the labels. `calibrate` refuses fewer than 20 labels, so these "
        "change nothing.",
        "",
        f"The worst mean over draws is {worst.change:+.2f} points (± {worst.error:.2f}; "
        f"{worst.panel}, {worst.labels} labels); over all rows the mean is "
        f"{np.mean([row.change for row in rows]):+.2f}, of the plain fit "
        f"{np.mean([row.plain for row in rows]):+.2f}, whose worst is "
        f"{min(row.plain for row in rows):+.2f}.",
    ]
    for title, is_seen in (("Not seen", False), ("Seen: the way was chosen on these", True)):
        lines += [
            "",
            f"## {title}",
            "",
            "| panel | labels | right without, % | change, points | changed, % "
            "| plain fit, points | ECE without | ECE with |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *(
                f"| {row.panel} | {row.labels} | {row.without:.1f} | {row.change:+.2f} "
                f"(± {row.error:.2f}) | {row.follows:.0f} | {row.plain:+.2f} | "
                f"{row.ece_without:.3f} | {row.ece_with:.3f} |"
                for row in rows
                if row.is_seen is is_seen
            ),
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
