"""Labels -> which criteria of a rubric tell good answers from bad ones, and what they should weigh.

Of each labelled prompt the answer that people prefer is compared with each other one, criterion by
criterion; a prompt counts once, however many answers it has. Weights are those of a conditional
logit (``choice_model``) around the rubric's own, and suggested only where they predict labels that
they were not fitted on better than the rubric's do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgeforge.calibration.choice_model import Choice, Prior, fit_weights, log_losses
from judgeforge.calibration.evaluation.statistics import wilson
from judgeforge.calibration.labels import LEAST_LABELS, Label, folds
from judgeforge.ranking.distributions import Array
from judgeforge.text.messages import Record

SAME = 1e-9
"""Scores that differ by less are equal."""
SURE_Z = 1.645
"""Standard errors by which the loss on labels not seen must fall, for weights to be suggested."""
ENOUGH_DIFFERING = 10
"""Prompts in which a criterion differs, below which nothing is said of it."""
_SCALE_SD = 10.0
Says = Literal["tells apart", "never differs", "wrong side", "not known"]


@dataclass(frozen=True, slots=True)
class ScoredPrompt:
    """One labelled prompt: what the judges say of each completion, by criterion."""

    label: Label
    scores: Mapping[str, Mapping[str, float]]
    """Completion -> criterion -> 0 to 1, the higher the better: of a fault one minus its score."""


class CriterionFound(Record):
    """What labels show of one criterion."""

    name: str
    weight: float
    """In the rubric now, below 0 for a fault."""
    prompts: float
    """In which it was judged; one of three answers that were compared counts as a third."""
    differs: float
    """Of these, in which it differs between what people prefer and the others."""
    right: float
    """Of those, in which it speaks for what people prefer."""
    right_ci: tuple[float, float]
    """95 % interval of right / differs."""
    says: Says
    suggested: float | None = None
    """The weight that the labels suggest; None where they cannot tell."""


class CriteriaReport(Record):
    prompts: int
    """Labelled ones with a preference."""
    ties: int
    """Labels without one, which tell nothing here."""
    criteria: tuple[CriterionFound, ...]
    held_out_now: float | None = None
    """Share of labels, not seen by any fit, that the rubric's weights predict; None for few."""
    held_out_suggested: float | None = None
    gain: float | None = None
    """How much the mean log loss on them falls, in nats, and its standard error."""
    gain_error: float | None = None
    supported: bool = False
    """Whether the suggested weights are better than those of the rubric, as far as labels show."""


def judge_criteria(prompts: Sequence[ScoredPrompt], weights: Mapping[str, float]) -> CriteriaReport:
    """``weights``: of the rubric, by criterion. Weights are suggested from 20 labels on."""
    told = [one for one in prompts if not one.label.is_tie and len(one.label.preferred) == 1]
    found = [_found(name, weight, told) for name, weight in weights.items()]
    report = CriteriaReport(prompts=len(told), ties=len(prompts) - len(told), criteria=tuple(found))
    names = [one.name for one in found if one.differs > 0]
    whole = [one for one in told if all(set(names) <= s.keys() for s in one.scores.values())]
    if len(whole) < LEAST_LABELS or len(names) < 2:
        return report
    return _with_weights(report, whole, names, weights)


def _found(name: str, weight: float, told: Sequence[ScoredPrompt]) -> CriterionFound:
    judged = differs = right = 0.0
    for one in told:
        (best,) = one.label.preferred
        leads = [
            one.scores[best][name] - scores[name]
            for other, scores in one.scores.items()
            if other != best and name in scores and name in one.scores.get(best, {})
        ]
        if not leads:
            continue
        judged += 1
        differs += sum(abs(lead) > SAME for lead in leads) / len(leads)
        right += sum(lead > SAME for lead in leads) / len(leads)
    interval = wilson(right, differs) if differs > 0 else (0.0, 1.0)
    return CriterionFound(
        name=name,
        weight=weight,
        prompts=judged,
        differs=differs,
        right=right,
        right_ci=interval,
        says=_says(judged, differs, interval),
    )


def _says(judged: float, differs: float, interval: tuple[float, float]) -> Says:
    if differs == 0:
        return "never differs" if judged >= LEAST_LABELS else "not known"
    if differs < ENOUGH_DIFFERING:
        return "not known"
    if interval[0] > 0.5:
        return "tells apart"
    return "wrong side" if interval[1] < 0.5 else "not known"


def _with_weights(
    report: CriteriaReport,
    told: Sequence[ScoredPrompt],
    names: Sequence[str],
    weights: Mapping[str, float],
) -> CriteriaReport:
    sizes = np.array([abs(weights[name]) for name in names])
    choices = [_choice(one, names) for one in told]
    now, fitted = np.zeros(len(told)), np.zeros(len(told))
    right_now, right_fitted = np.zeros(len(told)), np.zeros(len(told))
    for train, test in folds([one.label.prompt_id for one in told]):
        seen, unseen = [choices[i] for i in train], [choices[i] for i in test]
        before = _scaled(seen, sizes)
        after = _fitted(seen, before)
        now[test], fitted[test] = log_losses(unseen, before), log_losses(unseen, after)
        right_now[test], right_fitted[test] = _right(unseen, before), _right(unseen, after)
    gains = now - fitted
    error = float(gains.std(ddof=1)) / math.sqrt(len(gains))
    found = _fitted(choices, _scaled(choices, sizes))
    total = float(found.sum())
    suggested = dict(zip(names, found / total * sizes.sum(), strict=True)) if total > 0 else {}
    criteria = tuple(
        one.model_copy(update={"suggested": _signed(suggested[one.name], one.weight)})
        if one.name in suggested
        else one
        for one in report.criteria
    )
    return report.model_copy(
        update={
            "criteria": criteria,
            "held_out_now": float(right_now.mean()),
            "held_out_suggested": float(right_fitted.mean()),
            "gain": float(gains.mean()),
            "gain_error": error,
            "supported": bool(suggested) and float(gains.mean()) > SURE_Z * error,
        }
    )


def _choice(one: ScoredPrompt, names: Sequence[str]) -> Choice:
    features = np.array([[scores[name] for name in names] for scores in one.scores.values()])
    parts = np.array([one.label.parts.get(name, 0.0) for name in one.scores])
    return Choice(features, parts)


def _scaled(choices: Sequence[Choice], sizes: Array) -> Array:
    """The rubric's weights times what makes its score predict these labels best."""
    shares = sizes / sizes.sum()
    single = [Choice((one.features @ shares)[:, None], one.parts) for one in choices]
    prior = Prior(mean=np.zeros(1), sd=np.array([_SCALE_SD]), least=np.zeros(1))
    return np.asarray(max(float(fit_weights(single, prior)[0]), SAME) * shares)


def _fitted(choices: Sequence[Choice], mean: Array) -> Array:
    """Around the rubric's weights; one standard deviation is the mean weight."""
    sd = np.full(len(mean), max(float(mean.mean()), 0.1))
    return fit_weights(choices, Prior(mean=mean, sd=sd, least=np.zeros(len(mean))))


def _right(choices: Sequence[Choice], weights: Array) -> Array:
    """1 where the preferred answer alone has the highest utility, its share where several do."""
    found = []
    for one in choices:
        utilities = one.features @ weights
        top = utilities >= utilities.max() - SAME
        found.append(float(one.parts @ top) / float(top.sum()))
    return np.array(found)


def _signed(size: float, weight: float) -> float:
    rounded = float(f"{size:.2g}")
    return -rounded if weight < 0 < rounded else rounded
