"""How far the labels are followed away from what the judgments alone tell. Pure.

Weights that the judgments alone tell are hard to beat with few labels: a fit to 40 of them moves
every weight a little, mostly by chance, and each such move costs a little. So there are candidates,
from the weights without labels to nearly free ones, and labels that none of them has seen choose:

1. *By log loss*: each candidate's evidence is how much better it predicts held-out labels than the
   weights without labels do (at the scale that suits the same labels), less half of its standard
   error; candidates are averaged by it, those without labels among them (stacking by pseudo-BMA+
   with its log-normal correction; Yao, Vehtari, Simpson and Gelman 2018). Only what speaks for the
   labels beyond an even chance counts (positive part).
2. *By rightness*: a better loss may come from better probabilities alone, for which there is a map
   (confidence_fit.py). So the weights stay unless more of the held-out labels come out right, by
   more than a standard error.

Where labels do not say otherwise, what is known without them stands, to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from judgeforge.calibration.choice_model import Choice, Prior, fit_weights, log_losses
from judgeforge.calibration.labels import folds
from judgeforge.ranking.distributions import Array

FREEDOMS = (1.0, 2.5)
"""Of the candidates' priors, in the standard deviations of the one given: near the weights without
labels, and nearly free."""
CORRECTIONS_ALONE = 0.02
"""The same where only the corrections are free: lengths may count where the judges are right."""
SURE_Z = 1.0
"""Standard errors by which more of the held-out labels must come out right."""
WHOLLY = 0.99
"""From this on the labels are followed wholly: a judge that they contradict has no say left. Below
it still decides where all others are undecided."""
SCALE_SD = 0.5
LEAST_SCALE = 0.1
_SAME = 1e-9

Fit = Callable[[Sequence[Choice]], Array]


def followed_weights(
    choices: Sequence[Choice], prompt_ids: Sequence[str], prior: Prior, *, corrections: int = 0
) -> Array:
    """(features,): ``prior.mean`` where the labels do not say otherwise.

    ``prompt_ids``: of ``choices``; ``corrections``: how many of the last features correct for
    something, instead of being what a judge says.
    """
    fits: list[Fit] = [_fit_of(prior, one, corrections) for one in FREEDOMS]
    if corrections:
        fits.append(_fit_of(prior, CORRECTIONS_ALONE, corrections))
    gains, rightness = _held_out(choices, prompt_ids, prior, fits)
    number = len(choices)
    evidence = gains.sum(1) - 0.5 * gains.std(axis=1, ddof=1) * math.sqrt(number)
    parts = np.exp(evidence - evidence.max())
    total = math.log(parts.mean()) + float(evidence.max())
    parts = parts / parts.sum()
    follows = math.tanh(max(0.0, total) / 2.0)
    follows = 1.0 if follows > WHOLLY else follows
    more = parts @ rightness
    surely = more.mean() > SURE_Z * more.std(ddof=1) / math.sqrt(number) + _SAME
    if not surely or follows == 0.0:
        return prior.mean.copy()
    fitted = np.sum([part * fit(choices) for part, fit in zip(parts, fits, strict=True)], axis=0)
    without = prior.mean * _scale(choices, prior.mean)
    return np.asarray(follows * fitted + (1.0 - follows) * without)


def _fit_of(prior: Prior, freedom: float, corrections: int) -> Fit:
    """The corrections keep the prior that they have."""
    factors = np.full(len(prior.sd), freedom)
    factors[len(factors) - corrections :] = 1.0
    wider = Prior(prior.mean, prior.sd * factors, prior.least)
    return lambda seen: fit_weights(seen, wider)


def _held_out(
    choices: Sequence[Choice], prompt_ids: Sequence[str], prior: Prior, fits: Sequence[Fit]
) -> tuple[Array, Array]:
    """(fits, labels): how much smaller the log loss of each fit is than that of the weights without
    labels, and how much more right it is, on labels that it has not seen."""
    gains, more = np.zeros((2, len(fits), len(choices)))
    for train, test in folds(prompt_ids):
        seen, unseen = [choices[i] for i in train], [choices[i] for i in test]
        before = prior.mean * _scale(seen, prior.mean)
        losses, right = log_losses(unseen, before), rightness(unseen, before)
        for row, fit in enumerate(fits):
            weights = fit(seen)
            gains[row, test] = losses - log_losses(unseen, weights)
            more[row, test] = rightness(unseen, weights) - right
    return gains, more


def _scale(choices: Sequence[Choice], weights: Array) -> float:
    """By which the weights as they are predict these labels best; near 1 for few of them."""
    alone = [Choice((one.features @ weights)[:, None], one.parts) for one in choices]
    prior = Prior(np.ones(1), np.array([SCALE_SD]), np.array([LEAST_SCALE]))
    return float(fit_weights(alone, prior)[0])


def rightness(choices: Sequence[Choice], weights: Array) -> Array:
    """Of each, what people say of the completion with the highest utility; the mean over several
    that have it."""
    found = []
    for one in choices:
        utilities = one.features @ weights
        found.append(float(one.parts[utilities >= utilities.max() - _SAME].mean()))
    return np.array(found)
