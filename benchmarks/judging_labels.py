"""Rows that need labels: a promised share of wrong pairs, calibration, and weights from 40 labels.

Best-of-four with recorded scores (RewardBench 2): all four judges once. Expected mode: labels are
drawn without replacement, errors counted on all other items. Certified: labels are drawn with
replacement, so that all items are exactly the population that the certificate is about, and as
many can be drawn as are wanted. Pairs (LLMBar adversarial): errors counted on all other pairs; the
judgments on these are known, as in a run, their labels are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.judging_data import PAIRS, JudgedPair, load_scores, read_rows
from benchmarks.judging_replay import Replay
from benchmarks.judging_report import Measure, Target
from benchmarks.judging_scores import JUDGES, VARIANT, expected_calibration_error
from benchmarks.judging_verdicts import adversarial
from judgeforge.calibration.fit import best_of, fit_calibration, ranked
from judgeforge.calibration.labels import Label
from judgeforge.calibration.thresholds import certified_threshold
from judgeforge.calibration.weights import Labelled, labelled_reliability, supported_corrections
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank_evidence
from judgeforge.ranking.reliability.fit import fit_evidence
from judgeforge.ranking.rules import PairingRules

MAX_ERROR, DELTA = 0.05, 0.1
DRAWS = 200
EXPECTED_LABELS = 100
CERTIFIED = {100: (35.0, 2), 300: (60.0, 54), 500: (72.0, 70)}
"""Labels -> share to keep, and what a plain certificate keeps."""
PAIR_LABELS = 40
PAIRS_TO_REACH = {"metrics_reference": 87.0, "cot": 78.0}
PLAIN = {
    "metrics_reference": "log-odds never negative 84.9, negative allowed 86.6",
    "cot": "log-odds never negative 72.4, negative allowed 82.4",
}
_SMALLEST_REST = 20


def measure(data: Path, draws: int) -> list[Measure]:
    """``draws``: of the recorded scores; labels are drawn ``DRAWS`` times over all of these."""
    return [*_scored(data, max(1, draws)), *_compared(data)]


@dataclass(frozen=True, slots=True)
class _Judged:
    """All items as one draw of the recorded scores has them judged."""

    items: tuple[Labelled, ...]

    def labelled(self, places: np.ndarray) -> list[Labelled]:
        """Drawn twice, an item counts as two that are alike."""
        return [self.items[i] for i in places]


def _scored(data: Path, draws: int) -> list[Measure]:
    items = load_scores(data, VARIANT, JUDGES)
    if len(items) < EXPECTED_LABELS + _SMALLEST_REST:
        return []
    judged = []
    for seed in range(min(draws, DRAWS)):
        draw = np.random.default_rng(seed)
        judged.append(_Judged(tuple(_asked(Replay(item, draw)) for item in items)))
    expected = np.array([_expected(one, rng) for one, rng in _label_draws(judged)])
    return [
        *_expected_rows(expected),
        *(
            row
            for labels, (least, plain) in CERTIFIED.items()
            for row in _certified_rows(judged, labels, least, plain)
        ),
    ]


def _asked(replay: Replay) -> Labelled:
    evidence = read_evidence(replay.ask_all(JUDGES), replay.names)
    return Labelled(evidence, Label.of(replay.id, replay.right))


def _label_draws(judged: Sequence[_Judged]) -> Iterator[tuple[_Judged, np.random.Generator]]:
    for number in range(DRAWS):
        yield judged[number % len(judged)], np.random.default_rng((number, EXPECTED_LABELS))


def _expected(judged: _Judged, rng: np.random.Generator) -> tuple[float, float, float]:
    """Share of errors among the pairs kept, share kept, calibration error: of unlabelled items."""
    order = rng.permutation(len(judged.items))
    drawn, rest = order[:EXPECTED_LABELS], order[EXPECTED_LABELS:]
    calibration = fit_calibration(judged.labelled(drawn), of="best")
    trust = calibration.trust(PairingRules(max_error=MAX_ERROR))
    said, right = [], []
    for one in judged.labelled(rest):
        ranking = rank_evidence(one.evidence, calibration.labelled.reliability)
        p_best = np.array(calibration.apply(ranking).p_best)
        said.append(p_best.max())
        right.append(one.parts[p_best == p_best.max()].mean())
    p, y = np.array(said), np.array(right)
    kept = p > (trust.least or 0.0)
    return _error(y, kept), float(kept.mean()), expected_calibration_error(p, y)


def _certified(judged: _Judged, labels: int, rng: np.random.Generator) -> tuple[float, float]:
    """As ``guarantee: certified`` finds its threshold: judges and order without any label."""
    drawn = rng.integers(0, len(judged.items), labels)
    blind = fit_evidence([one.evidence for one in judged.labelled(drawn)])
    p, y = np.array([best_of(ranked(one, blind), one.label) for one in judged.items]).T
    kept = p > certified_threshold(p[drawn], y[drawn], MAX_ERROR, DELTA).least
    return _error(np.floor(y), kept), float(kept.mean())


def _error(right: np.ndarray, kept: np.ndarray) -> float:
    return float(1.0 - right[kept].mean()) if kept.any() else 0.0


def _expected_rows(found: np.ndarray) -> list[Measure]:
    errors, kept, calibration = 100.0 * found[:, 0], 100.0 * found[:, 1], found[:, 2]
    what = f"max_error {MAX_ERROR:g} expected, {EXPECTED_LABELS} labels"
    return [
        _row(f"{what}: wrong of those kept, %", errors, Target(most=100.0 * MAX_ERROR)),
        _row(f"{what}: kept, %", kept, Target(least=80.0), "a fixed margin keeps 63"),
        _row(
            f"ECE of chosen's p_best, all four once, {EXPECTED_LABELS} labels",
            calibration,
            Target(most=0.03),
            "0.034 to 0.046",
        ),
    ]


def _certified_rows(
    judged: Sequence[_Judged], labels: int, least: float, plain: int
) -> list[Measure]:
    found = np.array([_certified(one, labels, rng) for one, rng in _label_draws(judged)])
    broken = 100.0 * (found[:, 0] > MAX_ERROR)
    what = f"certified, delta {DELTA:g}, {labels} labels"
    return [
        Measure(
            f"{what}: broken, % of draws", float(broken.mean()), None, Target(most=100 * DELTA)
        ),
        _row(f"{what}: kept, %", 100.0 * found[:, 1], Target(least=least), f"{plain}"),
    ]


def _row(what: str, values: np.ndarray, target: Target | None, plain: str = "") -> Measure:
    low, high = np.percentile(values, [2.5, 97.5])
    return Measure(
        what,
        float(values.mean()),
        (float(low), float(high)),
        target,
        plain,
        details={"interval": "2.5 to 97.5 % of the draws", "draws": len(values)},
    )


def _compared(data: Path) -> list[Measure]:
    texts = {
        f"{row['item_id']}.{side}": row[side]
        for row in read_rows(data / PAIRS)
        for side in ("a", "b")
    }
    return [
        row
        for strategy, least in PAIRS_TO_REACH.items()
        for row in _pair_rows(adversarial(data, strategy), strategy, least, texts)
    ]


def _pair_rows(
    pairs: Sequence[JudgedPair], strategy: str, least: float, texts: dict[str, str]
) -> list[Measure]:
    if len(pairs) < PAIR_LABELS + _SMALLEST_REST:
        return []
    items = [
        Labelled(read_evidence(one.judgments, texts=texts), Label.of(one.id, one.better))
        for one in pairs
    ]
    items = [one for one in items if len(one.evidence.completion_ids) == 2]
    name = f"LLMBar adversarial, {strategy} prompt, {PAIR_LABELS} labels"
    ways: list[tuple[str, Target | None, dict[str, Any]]] = [
        (f"{name}, right %", Target(least=least), {}),
        (f"{name}, no correction for length, right %", None, {"correct": False}),
        (
            f"{name}, no correction, negative weights allowed, right %",
            None,
            {"correct": False, "allow_negative": True},
        ),
    ]
    return [
        _row(what, _pair_draws(items, **how), goal, PLAIN[strategy]) for what, goal, how in ways
    ]


def _pair_draws(
    items: Sequence[Labelled], *, correct: bool = True, allow_negative: bool = False
) -> np.ndarray:
    blind = fit_evidence([one.evidence for one in items])
    found = []
    for number in range(DRAWS):
        order = np.random.default_rng((number, PAIR_LABELS)).permutation(len(items))
        drawn = [items[i] for i in order[:PAIR_LABELS]]
        corrections = (
            supported_corrections(drawn, blind, allow_negative=allow_negative) if correct else ()
        )
        known = labelled_reliability(drawn, blind, corrections, allow_negative=allow_negative)
        rest = [items[i] for i in order[PAIR_LABELS:]]
        found.append(100.0 * np.mean([best_of(ranked(one, known), one.label)[1] for one in rest]))
    return np.array(found)
