"""What the judgments of one prompt measure of its qualities, as normal measurements. Pure.

Scores are that already (posterior.py). A verdict is replaced by what it is at the likeliest
qualities: the working observation of iteratively reweighted least squares (McCullagh and Nelder
1989), as in penalised quasi-likelihood (Breslow and Clayton 1993).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Comparison, Evidence
from judgeforge.ranking.posterior import posterior
from judgeforge.ranking.reliability.judges import Reliability

_LEAST_INFORMATION = 1e-6


@dataclass(frozen=True, slots=True)
class Seen:
    """m measurements of n qualities around the mean of the run."""

    judges: tuple[str, ...]
    """Whose each measurement is."""
    design: Array
    """(m, n)"""
    values: Array
    """(m,)"""
    errors: Array
    """(m, m): covariance of the judges' errors, repeats and lasting ones."""


def seen_of(evidence: Evidence, known: Reliability) -> Seen | None:
    """None where nothing is measured."""
    n = len(evidence.completion_ids)
    rows = [*_scores(evidence, known), *_verdicts(evidence, known)]
    if not rows:
        return None
    errors = np.diag([row.noise for row in rows])
    for i, one in enumerate(rows):
        for k, other in enumerate(rows):
            if one.is_score and other.is_score and one.judge == other.judge:
                errors[i, k] += known.of(one.judge).prompt_sd ** 2
    return Seen(
        judges=tuple(row.judge for row in rows),
        design=np.stack([_at(row.places, n) for row in rows]),
        values=np.array([row.value for row in rows]),
        errors=errors,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    judge: str
    places: tuple[tuple[int, float], ...]
    value: float
    noise: float
    is_score: bool


def _at(places: tuple[tuple[int, float], ...], n: int) -> Array:
    row = np.zeros(n)
    for place, factor in places:
        row[place] = factor
    return row


def _scores(evidence: Evidence, known: Reliability) -> list[_Row]:
    found = []
    for cell in evidence.cells:
        judge, answers = known.of(cell.judge), len(cell.scores)
        noise = judge.own_sd**2 + (judge.repeat_sd**2 + cell.stated_variance) / answers
        value = cell.mean - known.mean - judge.offset
        found.append(_Row(cell.judge, ((cell.place, judge.scale),), value, noise, is_score=True))
    return found


def _verdicts(evidence: Evidence, known: Reliability) -> list[_Row]:
    if not evidence.comparisons:
        return []
    likeliest = posterior(evidence, known).qualities[0]
    asked = Counter((one.judge, one.pair) for one in evidence.comparisons)
    rows = []
    for one in evidence.comparisons:
        gap = float(likeliest[one.first] - likeliest[one.second])
        row = _verdict(one, gap, asked[one.judge, one.pair], known)
        if row is not None:
            rows.append(row)
    return rows


def _verdict(one: Comparison, gap: float, asked: int, known: Reliability) -> _Row | None:
    """Davidson's model at this gap, by its first two derivatives."""
    judge = known.of(one.judge)
    slope = judge.discrimination / known.quality_sd
    x = min(60.0, max(-60.0, slope * gap + judge.position))
    up, down = math.exp(x / 2.0), math.exp(-x / 2.0)
    total = up + down + 2.0 * judge.tie
    expected = (up - down) / total
    weight = judge.repeated(asked)
    bend = weight * 0.25 * ((up + down) / total - expected**2) * slope**2
    if bend < _LEAST_INFORMATION:
        return None
    step = weight * 0.5 * (one.lead - expected) * slope / bend
    places = ((one.first, 1.0), (one.second, -1.0))
    return _Row(one.judge, places, gap + step, 1.0 / bend, is_score=False)
