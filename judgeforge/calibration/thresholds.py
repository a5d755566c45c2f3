"""Which probability a pair must have so that at most ``max_error`` of those kept are wrong.

Expected: the calibrated probabilities of the pairs kept average to at most ``max_error``, taken
cautiously: below what is expected by a part of their own standard deviation (confidence_fit.py).

Certified: learn-then-test (Angelopoulos, Bates, Candes, Jordan, Lei 2021). Each number of kept
labelled pairs gives an exact binomial test of "more than ``max_error`` of such pairs are wrong";
they are tested in a fixed order, from few to many, and the last rejected one stands, so that the
whole fails with probability ``delta`` at most. Neither the order nor its start may depend on the
labels: the start is the one from which the probabilities alone, taken at their word, promise the
greatest share kept. The binomial tails are exact, in numpy alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgeforge.ranking.distributions import Array

NONE_KEPT = 1.0
"""No probability is above this threshold."""
_PLANNED_DRAWS = 400
_PLAN_SEED = 20211013


@dataclass(frozen=True, slots=True)
class Threshold:
    least: float
    """Pairs above it are kept."""
    share_kept: float
    """Of the pairs that it was found on."""
    tested_from: int | None = None
    """Certified: the number of kept pairs at which testing began."""


def expected_threshold(probabilities: Array, cautious: Array, max_error: float) -> Threshold:
    """``probabilities`` and ``cautious`` (n,): calibrated, of pairs like those of a run."""
    order = np.argsort(-probabilities, kind="stable")
    errors = np.cumsum(1.0 - cautious[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(errors <= max_error)
    return _cut(probabilities[order], int(within[-1]) + 1 if len(within) else 0)


def certified_threshold(
    probabilities: Array, right: Array, max_error: float, delta: float
) -> Threshold:
    """``probabilities`` (n,): of labelled pairs, made without their labels. ``right`` (n,): 1 where
    the pair is right; anything below, a tie too, counts as wrong."""
    order = np.argsort(-probabilities, kind="stable")
    ordered, wrong = probabilities[order], right[order] < 1.0
    allowed = allowed_errors(len(ordered), max_error, delta)
    cuts = np.append(ordered[1:] < ordered[:-1], True)
    start = planned_start(ordered, allowed, cuts)
    if start is None:
        return Threshold(NONE_KEPT, 0.0)
    passed = (np.cumsum(wrong) <= allowed) | ~cuts
    rejected = np.logical_and.accumulate(passed[start - 1 :]) & cuts[start - 1 :]
    last = np.flatnonzero(rejected)
    found = _cut(ordered, start + int(last[-1]) if len(last) else 0)
    return Threshold(found.least, found.share_kept, start)


def allowed_errors(most: int, max_error: float, delta: float) -> Array:
    """(most,): with how many errors among 1, 2, ... kept pairs the test still rejects."""
    return np.array([most_successes(k, max_error, delta) for k in range(1, most + 1)])


def planned_start(ordered: Array, allowed: Array, cuts: NDArray[np.bool_]) -> int | None:
    """The number of kept pairs to begin with, by simulation; None where no test can reject.

    ``ordered`` (n,): probabilities of being right, highest first. ``cuts`` (n,): whether the next
    one is lower, so that a threshold can separate them.
    """
    possible = np.flatnonzero((allowed >= 0) & cuts)
    if not len(possible):
        return None
    drawn = np.random.default_rng(_PLAN_SEED).random((_PLANNED_DRAWS, len(ordered)))
    passed = (np.cumsum(drawn > ordered, axis=1) <= allowed) | ~cuts
    number = np.arange(1, len(ordered) + 1)
    # The first failure at or after each start ends its sequence.
    fails = np.where(passed, len(ordered) + 1, number)
    first_failure = np.minimum.accumulate(fails[:, ::-1], axis=1)[:, ::-1]
    kept = np.where(first_failure > number, first_failure - 1, 0).mean(axis=0)
    return int(possible[np.argmax(kept[possible])]) + 1


def lower_tail(successes: int, trials: int, probability: float) -> float:
    """P(X <= successes) for X binomial, 0 < probability < 1."""
    if successes >= trials:
        return 1.0
    if successes < 0:
        return 0.0
    return min(1.0, float(_masses(trials, probability, successes).sum()))


def most_successes(trials: int, probability: float, delta: float) -> int:
    """The largest k with P(X <= k) <= delta; -1 where even none is too likely."""
    tails = np.cumsum(_masses(trials, probability, trials))
    return int(np.searchsorted(tails, delta, side="right")) - 1


def _cut(ordered: Array, kept: int) -> Threshold:
    """At the first that is not kept; equal probabilities stand or fall together."""
    if kept == 0:
        return Threshold(NONE_KEPT, 0.0)
    if kept == len(ordered):
        return Threshold(0.0, 1.0)
    least = float(ordered[kept])
    return Threshold(least, float((ordered > least).mean()))


def _masses(trials: int, probability: float, most: int) -> Array:
    """P(X = k) for k = 0 .. most, by logarithms: factors of many trials are below any float."""
    k = np.arange(most + 1, dtype=np.int64)
    logs = _log_choose(trials, k) + k * math.log(probability)
    return np.asarray(np.exp(logs + (trials - k) * math.log1p(-probability)))


def _log_choose(n: int, k: NDArray[np.int64]) -> Array:
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    return np.asarray(log_factorials[n] - log_factorials[k] - log_factorials[n - k])
