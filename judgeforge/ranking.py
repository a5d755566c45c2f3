"""All judgments of one prompt -> a posterior over the qualities of its completions. Pure.

The model (docs/judging.md): completion i has a quality q_i in 0..1. Judge j's score of it, averaged
over R repeats, is q_i plus an error of variance ``own + repeat / R``: the judge's own opinion of
that completion stays however often it is asked. Criteria verified by code have no error.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from judgeforge.records import Judgment, Ranking

Vector = NDArray[np.float64]

PRIOR_MEAN = 0.5
PRIOR_SD = 0.35
"""Of a quality before any judgment: wide, so that one judgment already decides the order."""
OWN_ERROR_SD = 0.10
"""Of a judge's lasting error about one completion. On recorded judges more than half of the error
variance stays over repeats."""
REPEAT_NOISE_SD = 0.08
"""Of one answer around the judge's lasting opinion, before any repeat was seen."""
PRIOR_WEIGHT = 4.0
"""How many observed deviations the noise priors are worth."""
_GRID: Vector = np.linspace(-6.0, 6.0, 121)


def rank(judgments: Sequence[Judgment], *, completion_ids: Sequence[str] | None = None) -> Ranking:
    """Rank the completions of one prompt.

    Completions come in the order of ``completion_ids`` or, without it, in which they are first
    judged. Missing judgments are ignored; a completion without any judgment, or with none by a
    judge where others have one, is left out. Raises ValueError for judgments of several prompts.
    """
    prompt_ids = {judgment.prompt_id for judgment in judgments}
    if len(prompt_ids) > 1:
        raise ValueError(f"judgments of several prompts: {sorted(prompt_ids)}; rank one at a time")
    scored = [j for j in judgments if j.score is not None and not j.missing]
    checks = {j.completion_ids[0]: j for j in scored if j.protocol == "checks"}
    judged = [j for j in scored if j.protocol != "checks"]
    asked = [j for j in judgments if j.protocol != "checks"]
    rankable = {j.completion_ids[0] for j in judged} if asked else set(checks)
    if asked and any(j.protocol == "checks" for j in judgments):
        rankable &= set(checks)
    wanted = completion_ids or [i for j in judgments for i in j.completion_ids]
    ids = [i for i in dict.fromkeys(wanted) if i in rankable]
    prompt_id = next(iter(prompt_ids), "")
    if not ids:
        return Ranking(prompt_id=prompt_id, completion_ids=(), scores=(), covariance=(), p_best=())
    mean, variance = _judged_posterior(ids, judged)
    mean, variance = _with_checks(ids, judged, checks, mean, variance)
    return _ranking(prompt_id, ids, mean, variance)


def probability_better(ranking: Ranking, first_id: str, second_id: str) -> float:
    """P(the first completion is better than the second), 0 to 1."""
    i, j = ranking.completion_ids.index(first_id), ranking.completion_ids.index(second_id)
    cov = ranking.covariance
    variance = cov[i][i] + cov[j][j] - 2 * cov[i][j]
    gap = ranking.scores[i] - ranking.scores[j]
    if variance <= 0:
        return 0.5 if gap == 0 else float(gap > 0)
    return _normal_cdf(gap / math.sqrt(variance))


def _judged_posterior(ids: Sequence[str], judged: Sequence[Judgment]) -> tuple[Vector, Vector]:
    if not judged:
        return np.full(len(ids), PRIOR_MEAN), np.zeros(len(ids))
    answers: dict[tuple[str, str], list[float]] = defaultdict(list)
    for judgment in judged:
        answers[judgment.judge, judgment.completion_ids[0]].append(float(judgment.score or 0.0))
    repeat_variance = _repeat_variance(answers)
    own_variance = _own_variance(answers, repeat_variance)
    precision = np.full(len(ids), 1.0 / PRIOR_SD**2)
    weighted = precision * PRIOR_MEAN
    place = {completion_id: i for i, completion_id in enumerate(ids)}
    for (judge, completion_id), scores in answers.items():
        i = place.get(completion_id)
        if i is None:
            continue
        noise = own_variance + repeat_variance[judge] / len(scores)
        precision[i] += 1.0 / noise
        weighted[i] += sum(scores) / len(scores) / noise
    return weighted / precision, 1.0 / precision


def _repeat_variance(answers: dict[tuple[str, str], list[float]]) -> dict[str, float]:
    """Each judge's noise between repeats, shrunk towards the prior."""
    squares: dict[str, float] = defaultdict(float)
    degrees: dict[str, int] = defaultdict(int)
    for (judge, _), scores in answers.items():
        mean = sum(scores) / len(scores)
        squares[judge] += sum((score - mean) ** 2 for score in scores)
        degrees[judge] += len(scores) - 1
    prior = PRIOR_WEIGHT * REPEAT_NOISE_SD**2
    return {j: (prior + squares[j]) / (PRIOR_WEIGHT + degrees[j]) for j in squares}


def _own_variance(
    answers: dict[tuple[str, str], list[float]], repeat_variance: dict[str, float]
) -> float:
    """What judges disagree by beyond their repeat noise, shrunk towards the prior."""
    by_completion: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (judge, completion_id), scores in answers.items():
        noise = repeat_variance[judge] / len(scores)
        by_completion[completion_id].append((sum(scores) / len(scores), noise))
    squares, degrees = 0.0, 0
    for means in by_completion.values():
        centre = sum(m for m, _ in means) / len(means)
        spread = sum((m - centre) ** 2 for m, _ in means)
        expected = sum(noise for _, noise in means) * (len(means) - 1) / len(means)
        squares += max(0.0, spread - expected)
        degrees += len(means) - 1
    return (PRIOR_WEIGHT * OWN_ERROR_SD**2 + squares) / (PRIOR_WEIGHT + degrees)


def _with_checks(
    ids: Sequence[str],
    judged: Sequence[Judgment],
    checks: dict[str, Judgment],
    mean: Vector,
    variance: Vector,
) -> tuple[Vector, Vector]:
    """Checked criteria are exact evidence about their share of the rubric's weight."""
    if not checks:
        return mean, variance
    judged_weight = max((judgment.weight for judgment in judged), default=0.0)
    for i, completion_id in enumerate(ids):
        check = checks.get(completion_id)
        if check is None or check.score is None:
            continue
        share = judged_weight / (judged_weight + check.weight)
        mean[i] = share * mean[i] + (1.0 - share) * check.score
        variance[i] *= share**2
    return mean, variance


def _ranking(prompt_id: str, ids: Sequence[str], mean: Vector, variance: Vector) -> Ranking:
    means, variances = mean.tolist(), variance.tolist()
    zero = [0.0] * len(ids)
    covariance = tuple(
        tuple(v if k == i else 0.0 for k in range(len(zero))) for i, v in enumerate(variances)
    )
    return Ranking(
        prompt_id=prompt_id,
        completion_ids=tuple(ids),
        scores=tuple(min(1.0, max(0.0, m)) for m in means),
        covariance=covariance,
        p_best=tuple(_p_best(means, variances)),
    )


def _p_best(means: Sequence[float], variances: Sequence[float]) -> list[float]:
    """P(i is the best) for independent normals, by quadrature over the quality of i."""
    sd = np.sqrt(np.array(variances))
    centre = np.array(means)
    if not sd.any():
        top = centre == centre.max()
        return [float(p) for p in top / top.sum()]
    sd = np.maximum(sd, 1e-6)
    values = centre[:, None] + sd[:, None] * _GRID
    z = (values[:, None, :] - centre[None, :, None]) / sd[None, :, None]
    below = _normal_cdf_array(z)
    own = np.arange(len(centre))
    below[own, own, :] = 1.0
    density = np.exp(-0.5 * _GRID**2)
    chances = (below.prod(axis=1) * density).sum(axis=1)
    return [float(p) for p in chances / chances.sum()]


def _normal_cdf(z: float) -> float:
    return 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))


def _normal_cdf_array(z: Vector) -> Vector:
    """Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7 (numpy has no erf)."""
    x = np.abs(z) / math.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * x)
    poly = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    tail = 0.5 * poly * np.exp(-x * x)
    return np.where(z >= 0, 1.0 - tail, tail)
