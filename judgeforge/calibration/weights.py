"""Labels -> how much each judge counts, and what to correct for.

A conditional logit whose prior means are what the judgments alone have told (``fit_evidence``), and
which is followed as far as labels that it has not seen speak for it (followed.py). Length and seats
are corrected for only where that predicts held-out labels better, beyond what chance would give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgeforge.calibration.choice_model import Choice, Prior, fit_weights, log_losses
from judgeforge.calibration.contributions import (
    PROBIT,
    compared,
    long_by,
    posterior_sd,
    score_weights,
    scored,
    shown_first,
)
from judgeforge.calibration.followed import followed_weights
from judgeforge.calibration.labels import Label, folds
from judgeforge.ranking.distributions import Array
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.judges import JudgeReliability, Reliability
from judgeforge.records import Judgment

Correction = Literal["length", "position"]
CORRECTIONS: tuple[Correction, ...] = ("length", "position")

VERDICT_SD = 0.6
SCORE_SD = 0.4
"""Of the weights around those that the judgments alone told (a mean judge: 1)."""
CORRECTION_SD = {"length": 1.0, "position": 0.25}
"""In log-odds for an e-fold of length, and for a seat."""
SURE_Z = 2.0
"""Standard errors by which a correction must improve the log loss of held-out labels."""
_SEAT_TO_POSITION = 4.0
"""A position bias of x log-odds moves what a verdict tells by about a quarter of it."""
_MOST_WEIGHT = 1.4
_SATURATION = 0.9
"""How far one judge's verdicts, however discriminating, move the log-odds of two completions: by
1.4 (1 - exp(-0.9 discrimination)), as measured on the posterior of ranking/posterior.py."""
_MOST_OWN = 4.0
_LEAST_OWN = 1e-3


@dataclass(frozen=True, slots=True)
class Labelled:
    """The evidence on one prompt and what people say of it."""

    evidence: Evidence
    label: Label
    vetoes: tuple[Judgment, ...] = ()
    """Judgments by code that found a required check failed."""
    compared: tuple[str, str] | None = None
    """The two that the label is about; None where it is about which of all is the best."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the completions that the label is about."""
        return self.compared or self.evidence.completion_ids

    @property
    def places(self) -> list[int]:
        """Theirs among all completions of the prompt."""
        return [self.evidence.completion_ids.index(name) for name in self.names]

    @property
    def parts(self) -> Array:
        """In the order of ``names``."""
        return np.array([self.label.parts.get(name, 0.0) for name in self.names])


@dataclass(frozen=True, slots=True)
class _Design:
    """The columns of the conditional logit: score judges, verdict judges, corrections."""

    reliability: Reliability
    scoring: tuple[str, ...]
    comparing: tuple[str, ...]
    corrections: tuple[Correction, ...]
    allow_negative: bool

    def features(self, evidence: Evidence) -> Array:
        columns = [
            scored(evidence, self.reliability, self.scoring),
            compared(evidence, self.reliability, self.comparing),
        ]
        columns += [_correcting(one, evidence, self.reliability) for one in self.corrections]
        return np.concatenate(columns, axis=1)

    def prior(self) -> Prior:
        verdicts = [_as_weight(self.reliability.of(name).discrimination) for name in self.comparing]
        scores = score_weights(self.reliability, self.scoring)
        sizes = len(self.scoring), len(self.comparing), len(self.corrections)
        corrections = [CORRECTION_SD[one] for one in self.corrections]
        least = 0.0, -math.inf if self.allow_negative else 0.0, -math.inf
        return Prior(
            mean=np.concatenate([scores, verdicts, np.zeros(sizes[2])]),
            sd=np.concatenate([np.repeat([SCORE_SD, VERDICT_SD], sizes[:2]), corrections]),
            least=np.repeat(least, sizes),
        )

    def choices(self, labelled: Sequence[Labelled]) -> list[Choice]:
        return [Choice(self.features(one.evidence)[one.places], one.parts) for one in labelled]


def supported_corrections(
    labelled: Sequence[Labelled], free: Reliability, *, allow_negative: bool = False
) -> tuple[Correction, ...]:
    """Those that predict held-out labels better."""
    plain = _held_out_losses(labelled, _design(labelled, free, (), allow_negative))
    supported: list[Correction] = []
    for correction in CORRECTIONS:
        if not _has_any(correction, labelled, free):
            continue
        design = _design(labelled, free, (correction,), allow_negative)
        gains = plain - _held_out_losses(labelled, design)
        error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
        if gains.mean() > SURE_Z * error:
            supported.append(correction)
    return tuple(supported)


def labelled_reliability(
    labelled: Sequence[Labelled],
    free: Reliability,
    corrections: Sequence[Correction] = (),
    *,
    allow_negative: bool = False,
) -> Reliability:
    """``free`` (known without labels) with the weights and corrections that the labels give."""
    design = _design(labelled, free, corrections, allow_negative)
    if not design.scoring and not design.comparing:
        return free
    weights = followed_weights(
        design.choices(labelled),
        [one.label.prompt_id for one in labelled],
        design.prior(),
        corrections=len(design.corrections),
    )
    scores, verdicts, shifts = np.split(
        weights, np.cumsum([len(design.scoring), len(design.comparing)])
    )
    before = score_weights(free, design.scoring)
    multiples = {
        name: float(after / prior)
        for name, after, prior in zip(design.scoring, scores, before, strict=True)
    }
    found = dict(zip(design.corrections, map(float, shifts), strict=True))
    discriminations = dict(zip(design.comparing, map(float, verdicts), strict=True))
    seat = -_SEAT_TO_POSITION * found.get("position", 0.0)
    judges = tuple(
        _judge(judge, multiples.get(judge.name), discriminations.get(judge.name), seat)
        for judge in free.judges
    )
    length = found.get("length", 0.0) * _quality_per_log_odds(labelled, free)
    return free.model_copy(
        update={
            "judges": judges,
            "length": length,
            "source": "labels",
            "prompts": len(labelled),
        }
    )


def _judge(
    judge: JudgeReliability, multiple: float | None, discrimination: float | None, seat: float
) -> JudgeReliability:
    changes: dict[str, float] = {}
    if multiple is not None:
        noise = judge.repeat_sd**2
        total = (judge.own_sd**2 + noise) / max(multiple, _LEAST_OWN)
        changes["own_sd"] = min(max(math.sqrt(max(total - noise, 0.0)), _LEAST_OWN), _MOST_OWN)
    if discrimination is not None:
        changes["discrimination"] = _as_discrimination(discrimination)
        changes["position"] = judge.position + seat
    return judge.model_copy(update=changes)


def _as_weight(discrimination: float) -> float:
    return math.copysign(
        _MOST_WEIGHT * -math.expm1(-_SATURATION * abs(discrimination)), discrimination
    )


def _as_discrimination(weight: float) -> float:
    share = min(abs(weight) / _MOST_WEIGHT, 0.98)
    return math.copysign(-math.log1p(-share) / _SATURATION, weight)


def _design(
    labelled: Sequence[Labelled],
    free: Reliability,
    corrections: Sequence[Correction],
    allow_negative: bool,
) -> _Design:
    scoring = {cell.judge for one in labelled for cell in one.evidence.cells}
    comparing = {each.judge for one in labelled for each in one.evidence.comparisons}
    return _Design(
        reliability=free,
        scoring=tuple(sorted(scoring)),
        comparing=tuple(sorted(comparing)),
        corrections=tuple(corrections),
        allow_negative=allow_negative,
    )


def _correcting(correction: Correction, evidence: Evidence, free: Reliability) -> Array:
    return long_by(evidence) if correction == "length" else shown_first(evidence, free)


def _has_any(correction: Correction, labelled: Sequence[Labelled], free: Reliability) -> bool:
    if correction == "length" and not all(one.evidence.log_lengths for one in labelled):
        return False
    return any(np.any(_correcting(correction, one.evidence, free)) for one in labelled)


def _held_out_losses(labelled: Sequence[Labelled], design: _Design) -> Array:
    choices = design.choices(labelled)
    losses = np.zeros(len(choices))
    for train, test in folds([one.label.prompt_id for one in labelled]):
        weights = fit_weights([choices[i] for i in train], design.prior())
        losses[test] = log_losses([choices[i] for i in test], weights)
    return losses


def _quality_per_log_odds(labelled: Sequence[Labelled], free: Reliability) -> float:
    """Of a prior mean, so that it still moves the log-odds as much once the scores are known."""
    sd = float(np.mean([posterior_sd(one.evidence, free) for one in labelled]))
    return math.sqrt(2.0) / PROBIT * free.quality_sd**2 / sd
