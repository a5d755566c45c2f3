"""All judgments of one prompt -> its ranking, in which required checks outweigh judges. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from judgeforge.ranking.confidence import best_given, own_deviations
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import CheckResult, Evidence, read_evidence
from judgeforge.ranking.posterior import Gain, known_writers, posterior
from judgeforge.ranking.ranking import GapPrior, Ranking
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import Judgment

FAILED_SHARE = 0.5
"""A completion that failed scores this share of its own score times the lowest one that passed."""


def with_vetoes(ranking: Ranking, judgments: Sequence[Judgment]) -> Ranking:
    """The ranking with every completion that fails a required check below all that pass.

    Among themselves, those that fail keep their order, and so do those that pass; no completion
    that fails is the best while one passes. Where all fail, or none does, nothing changes. A
    ranking that honours them already comes back as it is.
    """
    failed = {j.completion_ids[0] for j in judgments if j.failed_required}
    vetoed = tuple(i for i in ranking.completion_ids if i in failed)
    if vetoed == ranking.vetoed or len(vetoed) in {0, len(ranking.completion_ids)}:
        return ranking
    passed = [i not in failed for i in ranking.completion_ids]
    lowest = min(score for score, passes in zip(ranking.scores, passed, strict=True) if passes)
    factors = [1.0 if passes else FAILED_SHARE * max(0.0, lowest) for passes in passed]
    best = [p if passes else 0.0 for p, passes in zip(ranking.p_best, passed, strict=True)]
    total = sum(best)
    if total <= 0.0:
        best, total = [float(passes) for passes in passed], float(sum(passed))
    return ranking.model_copy(
        update={
            "scores": tuple(
                s if passes else min(lowest, f * s)
                for f, s, passes in zip(factors, ranking.scores, passed, strict=True)
            ),
            "covariance": tuple(
                tuple(f * g * value for g, value in zip(factors, row, strict=True))
                for f, row in zip(factors, ranking.covariance, strict=True)
            ),
            "p_best": tuple(p / total for p in best),
            "vetoed": vetoed,
            "prior": _scaled(ranking.prior, factors),
        }
    )


def _scaled(prior: GapPrior | None, factors: Sequence[float]) -> GapPrior | None:
    if prior is None:
        return None
    sds = tuple(f * sd for f, sd in zip(factors, prior.sds, strict=True))
    return prior.model_copy(update={"sds": sds})


def rank(
    judgments: Sequence[Judgment],
    *,
    completion_ids: Sequence[str] | None = None,
    reliability: Reliability = PRIOR,
    texts: Mapping[str, str] | None = None,
    writers: Mapping[str, str] | None = None,
) -> Ranking:
    """As ``judgeforge.rank``, for judgments that are known to be sound, as those of a run are.

    Where ``reliability`` has records of ``writers`` (completion id -> name), those of
    ``completion_ids`` that nobody was asked about are ranked by them alone.
    """
    evidence = read_evidence(
        judgments,
        completion_ids,
        texts=texts if reliability.length else None,
        writers=writers if reliability.writers else None,
        keep_unasked=bool(writers and reliability.writers),
    )
    ranking = rank_evidence(evidence, reliability)
    return with_vetoes(ranking, judgments)


def rank_evidence(evidence: Evidence, reliability: Reliability) -> Ranking:
    ids = evidence.completion_ids
    if not ids:
        return Ranking(
            prompt_id=evidence.prompt_id, completion_ids=(), scores=(), covariance=(), p_best=()
        )
    means, spread = _means_and_spread(evidence, reliability)
    return Ranking(
        prompt_id=evidence.prompt_id,
        completion_ids=ids,
        scores=tuple(means.tolist()),
        covariance=spread.covariance,
        p_best=tuple(best_given(means, spread.own_sd).tolist()),
        prior=gap_prior(evidence, reliability),
    )


@dataclass(frozen=True, slots=True)
class _Spread:
    """What a ranking says of its doubt."""

    covariance: tuple[tuple[float, ...], ...]
    own_sd: Array | None
    """See ``own_deviations``."""


def _means_and_spread(evidence: Evidence, reliability: Reliability) -> tuple[Array, _Spread]:
    """Of most prompts of a run only the means are their own: their judges were asked alike."""
    if evidence.checks or not evidence.cells or evidence.comparisons:
        means, covariance = quality_posterior(evidence, reliability)
        return means, _spread(covariance)
    found = posterior(evidence, reliability)
    seen = found.size, reliability.shared_error, reliability.quality_sd
    transform, _ = _seen_by_judges(*seen)
    return transform @ found.qualities[0] + 0.0, _spread_of(found.gain, *seen)


def _spread(covariance: Array) -> _Spread:
    return _Spread(tuple(map(tuple, covariance.tolist())), own_deviations(covariance))


@lru_cache(maxsize=64)
def _spread_of(gain: Gain, n: int, shared_error: float, quality_sd: float) -> _Spread:
    transform, unseen = _seen_by_judges(n, shared_error, quality_sd)
    return _spread(transform @ gain.covariance[:n, :n] @ transform.T + unseen)


def gap_prior(evidence: Evidence, reliability: Reliability) -> GapPrior | None:
    """None where two completions are never held for equal, and the judges' errors not doubted."""
    if evidence.checks or known_writers(evidence, reliability):
        return _gap_prior(evidence, reliability)
    return _usual_gap_prior(len(evidence.completion_ids), reliability)


@lru_cache(maxsize=64)
def _usual_gap_prior(n: int, reliability: Reliability) -> GapPrior | None:
    """Of all prompts without checks and records of writers."""
    places = tuple(map(str, range(n)))
    return _gap_prior(Evidence("", places, (), (), {}, 0.0), reliability)


def _gap_prior(evidence: Evidence, reliability: Reliability) -> GapPrior | None:
    known = reliability.close_prompts, reliability.close_pairs, reliability.shared_by_all
    if not any((*known, reliability.doubt, reliability.useless)):
        return None
    checks = [evidence.checks[i] for i in range(len(evidence.completion_ids)) if evidence.checks]
    weights = [_judged_share(evidence, check) for check in checks] or [1.0] * len(
        evidence.completion_ids
    )
    own = math.sqrt(1.0 - reliability.shared_error)
    sds = _before(evidence, reliability)
    return GapPrior(
        sds=tuple(weight * own * sd for weight, sd in zip(weights, sds, strict=True)),
        exact=tuple((1.0 - w) * one.score for w, one in zip(weights, checks, strict=False)),
        close_prompts=reliability.close_prompts,
        close_pairs=reliability.close_pairs,
        shared=reliability.shared_by_all,
        doubt=reliability.doubt,
        useless=reliability.useless,
    )


def _before(evidence: Evidence, reliability: Reliability) -> list[float]:
    """Standard deviation of each quality before anything, its writer's record included, is known.

    So the record counts as a measurement: what it says of the gap of two speaks for or against
    that they are close, as a judgment does (Dickey 1971).
    """
    records = [reliability.record(name) for name in known_writers(evidence, reliability)]
    found = [max(reliability.quality_sd, math.sqrt(one.variance) if one else 0) for one in records]
    return found or [reliability.quality_sd] * len(evidence.completion_ids)


def _is_judged(evidence: Evidence, reliability: Reliability) -> bool:
    """By judges, or by what they have said of the writers."""
    return bool(evidence.judges or known_writers(evidence, reliability))


def quality_posterior(evidence: Evidence, reliability: Reliability) -> tuple[Array, Array]:
    """Mean (n,) and covariance (n, n) of the true qualities: all evidence, checks included."""
    n = len(evidence.completion_ids)
    if _is_judged(evidence, reliability):
        means, covariance = posterior(evidence, reliability).qualities
    else:
        means, covariance = np.full(n, reliability.mean), np.zeros((n, n))
    transform, shift, unseen = quality_map(evidence, reliability)
    return transform @ means + shift, transform @ covariance @ transform.T + unseen


def quality_map(evidence: Evidence, reliability: Reliability) -> tuple[Array, Array, Array]:
    """From what the judges see to the true quality: (n, n) and (n,) of a linear map, and the
    covariance (n, n) of what no judge can see.

    What the judges agree on is the quality plus an error that all of them make: of each deviation
    from the prompt's mean the share ``shared_error`` of the variance. Criteria verified by code
    are exact evidence about their share of the rubric's weight.
    """
    n = len(evidence.completion_ids)
    share = reliability.shared_error if _is_judged(evidence, reliability) else 0.0
    transform, unseen = _seen_by_judges(n, share, reliability.quality_sd)
    if not evidence.checks:
        return transform, np.zeros(n), unseen
    checks = [evidence.checks[i] for i in range(n)]
    shares = np.array([_judged_share(evidence, check) for check in checks])
    scores = np.array([check.score for check in checks])
    shift = (1.0 - shares) * scores
    return shares[:, None] * transform, shift, unseen * np.outer(shares, shares)


@lru_cache(maxsize=256)
def _seen_by_judges(n: int, share: float, quality_sd: float) -> tuple[Array, Array]:
    """``quality_map`` without checks: the linear map, and the covariance of what no judge sees.
    Not to be written to."""
    apart = np.eye(n) - np.full((n, n), 1.0 / n)
    return np.eye(n) - share * apart, share * (1.0 - share) * quality_sd**2 * apart


def _judged_share(evidence: Evidence, check: CheckResult) -> float:
    """Of the rubric's weight, what judges decide about a completion with this check."""
    return evidence.judged_weight / (evidence.judged_weight + check.weight)
