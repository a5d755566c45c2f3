"""A conditional logit: which completion people prefer, given what speaks for each.

McFadden 1974. P(i) is proportional to exp(sum_f weight_f x_if). The weights have independent normal
priors; those that must not be negative are kept at zero or above (projected Newton, Bertsekas
1982). The posterior is log-concave, so that there is one mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgeforge.ranking.distributions import Array

_STEPS = 50
_HALVINGS = 20
_CONVERGED = 1e-8


@dataclass(frozen=True, slots=True)
class Choice:
    """One labelled prompt."""

    features: Array
    """(completions, features)"""
    parts: Array
    """(completions,), summing to 1: what people prefer."""


@dataclass(frozen=True, slots=True)
class Prior:
    mean: Array
    sd: Array
    least: Array
    """Lower bounds of the weights; -inf where there is none."""


def fit_weights(choices: Sequence[Choice], prior: Prior) -> Array:
    """The most probable weights, (features,)."""
    stacks = _stack(choices)
    precision = prior.sd**-2.0
    weights = np.maximum(prior.mean, prior.least)
    value, slope, bend = _posterior(stacks, weights, prior.mean, precision)
    for _ in range(_STEPS):
        free = (weights > prior.least) | (slope > 0)
        step = np.zeros_like(weights)
        if free.any():
            step[free] = np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        for _ in range(_HALVINGS):
            trial = np.maximum(weights + step, prior.least)
            found = _posterior(stacks, trial, prior.mean, precision)
            if found[0] >= value:
                break
            step /= 2.0
        else:
            break
        moved = float(np.abs(trial - weights).max())
        weights, (value, slope, bend) = trial, found
        if moved < _CONVERGED:
            break
    return weights


def log_losses(choices: Sequence[Choice], weights: Array) -> Array:
    """-log P of what people prefer, one for each choice."""
    return np.array(
        [-float(one.parts @ _log_shares(one.features @ weights)) for one in choices],
        dtype=np.float64,
    )


def _stack(choices: Sequence[Choice]) -> list[tuple[Array, Array]]:
    """Choices among equally many completions together: (prompts, n, features), (prompts, n)."""
    sizes = sorted({len(one.parts) for one in choices})
    return [
        (
            np.stack([one.features for one in choices if len(one.parts) == size]),
            np.stack([one.parts for one in choices if len(one.parts) == size]),
        )
        for size in sizes
    ]


def _log_shares(utilities: Array) -> Array:
    top = utilities.max(-1, keepdims=True)
    total = np.log(np.exp(utilities - top).sum(-1, keepdims=True))
    return np.asarray(utilities - top - total)


def _posterior(
    stacks: Sequence[tuple[Array, Array]], weights: Array, mean: Array, precision: Array
) -> tuple[float, Array, Array]:
    """Log posterior, its gradient, and the negative of its second derivative."""
    apart = weights - mean
    value = -0.5 * float((precision * apart**2).sum())
    slope, bend = -precision * apart, np.diag(precision)
    for features, parts in stacks:
        logs = _log_shares(features @ weights)
        shares = np.exp(logs)
        value += float((parts * logs).sum())
        slope = slope + np.einsum("pn,pnf->f", parts - shares, features)
        centred = features - np.einsum("pn,pnf->pf", shares, features)[:, None, :]
        bend = bend + np.einsum("pn,pnf,png->fg", shares, centred, centred)
    return value, slope, bend
