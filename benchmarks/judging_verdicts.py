"""Rows on pairs that six judges of very different strength compared in both orders (LLMBar),
without a label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.judging_data import JudgedPair, load_verdicts
from benchmarks.judging_report import Measure, Target, mean_interval
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import Reliability

DATASET, NATURAL = "llmbar", "natural"
TARGETS = {"metrics_reference": 86.0, "cot": 75.0}
PLAIN = {
    "metrics_reference": "majority 61.4; one-coin EM 86.1; order consistency 85.1; best judge 83.2",
    "cot": "majority 46.5; one-coin EM 33.7; order consistency 72.8; best judge 74.8",
}
_SAME = 1e-9


def adversarial(data: Path, strategy: str) -> list[JudgedPair]:
    pairs = load_verdicts(data, DATASET, strategy)
    return [one for one in pairs if one.subset.lower() != NATURAL]


def measure(data: Path) -> list[Measure]:
    return [
        row
        for strategy, least in TARGETS.items()
        if (row := _row(adversarial(data, strategy), strategy, least)) is not None
    ]


def _row(pairs: Sequence[JudgedPair], strategy: str, least: float) -> Measure | None:
    if not pairs:
        return None
    learnt = fit_reliability([pair.judgments for pair in pairs])
    mean, low, high = mean_interval(100.0 * correctness(pairs, learnt))
    return Measure(
        f"LLMBar adversarial, {strategy} prompt, no labels, right %",
        mean,
        (low, high),
        Target(least=least),
        PLAIN[strategy],
        details={
            "n": len(pairs),
            "discrimination": {
                judge.name: round(judge.discrimination, 4) for judge in learnt.judges
            },
        },
    )


def correctness(pairs: Sequence[JudgedPair], reliability: Reliability) -> np.ndarray:
    """1 where the better completion has the higher score, 0.5 where both have the same."""
    return np.array(
        [_right(rank(pair.judgments, reliability=reliability), pair.better) for pair in pairs]
    )


def _right(ranking: Ranking, better: str) -> float:
    scores = dict(zip(ranking.completion_ids, ranking.scores, strict=True))
    if len(scores) < 2:
        return 0.5
    gap = scores.pop(better) - next(iter(scores.values()))
    return 0.5 if abs(gap) < _SAME else float(gap > 0)
