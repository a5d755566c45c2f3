"""What is promised about the pairs kept, in words, and how it depends on the number of labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.confidence_fit import fit_confidence
from judgeforge.calibration.thresholds import certified_threshold, expected_threshold
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.rules import PairingRules
from judgeforge.text.messages import Record

CURVE = (40, 100, 200, 300, 500, 1000)
"""Numbers of labels for which the share kept is predicted."""
_DRAWS = 12
_SEED = 20251125
_LEAST_SHARE = 0.01
"""A smaller share kept is as good as none."""


class CurvePoint(Record):
    labels: int
    expected: float
    """Share of pairs kept with `guarantee: expected`."""
    certified: float


Curve = tuple[CurvePoint, ...]


class Promise(Record):
    max_error: float
    guarantee: str
    delta: float | None
    labels: int
    least: float
    """Pairs with a higher probability of being right are kept."""
    share_kept: float
    """Of the labelled pairs."""
    in_words: str
    assumptions: tuple[str, ...]
    curve: Curve
    """Predicted from the labelled prompts: that many are redrawn, each label with its calibrated
    probability."""
    more_labels_needed: int | None
    """0 where pairs are kept; None where no number on the curve would be enough."""


def make_promise(
    calibration: Calibration, rules: PairingRules, curve: Curve | None = None
) -> Promise | None:
    """None without ``max_error``. ``curve``: where it is known already."""
    if rules.max_error is None:
        return None
    threshold = calibration.threshold(rules)
    curve = curve or share_kept_by_labels(calibration, rules.max_error, rules.delta)
    certified = rules.guarantee == "certified"
    needed = _more_labels(calibration.labels, threshold.share_kept, curve, rules)
    return Promise(
        max_error=rules.max_error,
        guarantee=rules.guarantee,
        delta=rules.delta if certified else None,
        labels=calibration.labels,
        least=threshold.least,
        share_kept=threshold.share_kept,
        in_words=_in_words(calibration, rules, threshold.share_kept, needed),
        assumptions=_assumptions(calibration, certified=certified),
        curve=curve,
        more_labels_needed=needed,
    )


def share_kept_by_labels(calibration: Calibration, max_error: float, delta: float) -> Curve:
    return tuple(_point(calibration, max_error, delta, labels) for labels in CURVE)


def _in_words(
    calibration: Calibration, rules: PairingRules, kept: float, needed: int | None
) -> str:
    wrong = (
        "its chosen completion is not the best of its prompt"
        if calibration.of == "best"
        else "its rejected completion is the better one"
    )
    labels = calibration.labels
    if rules.guarantee == "certified":
        promise = (
            f"With a probability of at least {1 - rules.delta:.0%} over the draw of the {labels} "
            f"labels, at most {rules.max_error:.1%} of the pairs kept are wrong"
        )
    else:
        promise = (
            f"On average over draws of the {labels} labels, at most {rules.max_error:.1%} of the "
            "pairs kept are wrong"
        )
    if kept > 0:
        return (
            f"{promise} (a pair is wrong when {wrong}); {kept:.0%} of the labelled pairs are kept."
        )
    more = (
        f"about {needed} more labels would support one"
        if needed
        else "no number of labels up to 1000 would: the judges are not certain enough"
    )
    return f"These {labels} labels do not support such a promise, and no pair is kept; {more}."


def _assumptions(calibration: Calibration, *, certified: bool) -> tuple[str, ...]:
    """What must be true outside the numbers."""
    shared = (
        "the labelled prompts and their completions are drawn like those of the run",
        "people's labels are the truth"
        + (f" ({calibration.people.in_words()})" if calibration.people else ""),
        "judges, prompts and rubric are those of the calibration, which is checked",
    )
    if certified:
        return (
            *shared,
            "the labels are independent of each other; they touched neither the judges' weights "
            "nor the order of the tests, so that the bound is exact for pairs like the labelled",
            "at most one pair per prompt is kept, and all judges are asked as in the calibration",
        )
    return (
        *shared,
        "log-odds of being right are close to a straight line of the log-odds that the judges "
        "believe",
        "at most one pair per prompt is kept",
    )


def _more_labels(labels: int, kept: float, curve: Curve, rules: PairingRules) -> int | None:
    if kept > 0:
        return 0
    for point in curve:
        share = point.certified if rules.guarantee == "certified" else point.expected
        if point.labels > labels and share >= _LEAST_SHARE:
            return point.labels - labels
    return None


def _point(calibration: Calibration, max_error: float, delta: float, labels: int) -> CurvePoint:
    rng = np.random.default_rng((_SEED, labels))
    probability = np.array([one.probability for one in calibration.results])
    blind = np.array([one.blind_probability for one in calibration.results])
    # A tie is a half of each probability and not wrong.
    tied_half = np.array([one.tie / 2.0 for one in calibration.results])
    not_wrong = calibration.blind.confidence.of(blind) + tied_half
    expected = certified = 0.0
    for _ in range(_DRAWS):
        drawn = rng.integers(0, len(probability), labels)
        chance = rng.random(labels)
        expected += _expected_share(probability, tied_half, drawn, chance, max_error) / _DRAWS
        right = (chance < not_wrong[drawn]).astype(float)
        found = certified_threshold(blind[drawn], right, max_error, delta)
        certified += float((blind > found.least).mean()) / _DRAWS
    return CurvePoint(labels=labels, expected=expected, certified=certified)


def _expected_share(
    probability: Array,
    tied_half: Array,
    drawn: NDArray[np.intp],
    chance: Array,
    max_error: float,
) -> float:
    right = (chance < probability[drawn]).astype(float)
    maps = fit_confidence(probability[drawn], right)
    calibrated = maps.expected.of(probability)
    cautious = np.minimum(1.0, maps.cautious.of(probability) + tied_half)
    threshold = expected_threshold(calibrated[drawn], cautious[drawn], max_error)
    return float((calibrated > threshold.least).mean())
