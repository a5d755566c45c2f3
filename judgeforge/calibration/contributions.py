"""What each judge says for each completion, in log-odds as the judge is known without labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Cell, Evidence
from judgeforge.ranking.reliability.judges import Reliability

PROBIT = 1.7
"""Log-odds for a standard deviation: the logistic distribution function is near the normal one."""


def score_weights(reliability: Reliability, judges: Sequence[str]) -> Array:
    """How much a point of each judge counts without labels, the mean of all being 1."""
    raw = np.array([_information(reliability, name) for name in judges])
    return raw / raw.mean() if len(raw) else raw


def scored(evidence: Evidence, reliability: Reliability, judges: Sequence[str]) -> Array:
    """(completions, judges): what scores say, for a judge of mean weight; 0 where it is silent."""
    found = np.zeros((len(evidence.completion_ids), len(judges)))
    by_judge: dict[str, list[Cell]] = {name: [] for name in judges}
    for cell in evidence.cells:
        by_judge[cell.judge].append(cell)
    if not judges:
        return found
    typical = float(np.mean([_information(reliability, name) for name in judges]))
    unit = PROBIT / math.sqrt(2.0) * posterior_sd(evidence, reliability) * typical
    for column, name in enumerate(judges):
        centre = np.mean([cell.mean for cell in by_judge[name]]) if by_judge[name] else 0.0
        for cell in by_judge[name]:
            found[cell.place, column] = unit * (cell.mean - centre)
    return found


def compared(evidence: Evidence, reliability: Reliability, judges: Sequence[str]) -> Array:
    """(completions, judges): what verdicts say, for a judge of discrimination 1."""
    found = np.zeros((len(evidence.completion_ids), len(judges)))
    column = {name: i for i, name in enumerate(judges)}
    asked = Counter((one.judge, one.pair) for one in evidence.comparisons)
    for one in evidence.comparisons:
        weight = reliability.of(one.judge).repeated(asked[one.judge, one.pair])
        lead = weight * one.lead / 2.0
        found[one.first, column[one.judge]] += lead
        found[one.second, column[one.judge]] -= lead
    return found


def long_by(evidence: Evidence) -> Array:
    """(completions, 1): natural logarithm of the length over that of the others, or zeros."""
    logs = np.array(evidence.log_lengths or [0.0] * len(evidence.completion_ids))
    return np.asarray(logs - logs.mean())[:, None]


def posterior_sd(evidence: Evidence, reliability: Reliability) -> float:
    """Of a quality around its prompt's mean, once the scores are known."""
    counts = {cell.judge: len(cell.scores) for cell in evidence.cells}
    precision = reliability.quality_sd**-2
    for name, count in counts.items():
        judge = reliability.of(name)
        precision += judge.scale * _information(reliability, name, count)
    return 1.0 / math.sqrt(precision)


def _information(reliability: Reliability, name: str, count: int = 1) -> float:
    judge = reliability.of(name)
    return judge.scale / (judge.own_sd**2 + judge.repeat_sd**2 / count)


def shown_first(evidence: Evidence, reliability: Reliability) -> Array:
    """(completions, 1): what seats said for each; zeros where both orders were asked alike."""
    found = np.zeros((len(evidence.completion_ids), 1))
    for one in evidence.comparisons:
        half = reliability.of(one.judge).discrimination / 2.0
        found[one.first, 0] += half
        found[one.second, 0] -= half
    return found
