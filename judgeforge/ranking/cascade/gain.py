"""How much an answer is expected to raise the probability that the pair is right.

Before an answer is seen, the posterior means are random: they move by a step whose
covariance is what the answer takes off the posterior covariance (preposterior analysis; the
knowledge gradient of Frazier, Powell and Dayanik 2008). The step is integrated along its two
largest directions by Gauss-Hermite quadrature, stretched to Student's t along the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from judgeforge.ranking.cascade.candidates import Ask, Bundle
from judgeforge.ranking.distributions import Array, error_from_normal
from judgeforge.ranking.posterior import Posterior
from judgeforge.ranking.reliability.judges import Reliability

Value = Callable[[Array, Array], Array]
"""Means (..., n) and covariances (..., n, n) -> what the pair is worth (...)."""

_RIDGE = 1e-12
_AT_ONCE = 4
"""Bundles that are valued together: more would not stay in the processor's cache."""


def _nodes() -> tuple[Array, Array]:
    """Steps have the heavy tails of the errors behind them: most are small, few are large."""
    along, weight = np.polynomial.hermite_e.hermegauss(7)
    along = error_from_normal(along)
    along /= np.sqrt(along**2 @ weight / weight.sum())
    across, light = np.polynomial.hermite_e.hermegauss(3)
    points = np.array([(a, b) for a in along for b in across])
    weights = np.outer(weight, light).ravel()
    return points, weights / weights.sum()


_POINTS, _WEIGHTS = _nodes()


def expected_values(
    bundles: Sequence[Bundle],
    belief: Posterior,
    reliability: Reliability,
    *,
    transform: Array,
    base: tuple[Array, Array],
    value: Value,
) -> Array:
    """The value that is expected after each bundle, shape (bundles,).

    ``transform`` (n, n) takes the qualities of ``belief`` to those that ``base`` (mean and
    covariance) is about.
    """
    steps = np.array([reduction(bundle, belief, reliability) for bundle in bundles])
    steps = transform @ steps @ transform.T
    mean, covariance = base
    size, directions = np.linalg.eigh(steps)
    top = (
        directions[..., -2:][..., ::-1]
        * np.sqrt(np.maximum(size[..., -2:][..., ::-1], 0.0))[..., None, :]
    )
    moved = mean + _POINTS @ np.swapaxes(top, -1, -2)
    after = np.broadcast_to((covariance - steps)[:, None], (*moved.shape, len(mean)))
    parts = [slice(start, start + _AT_ONCE) for start in range(0, len(bundles), _AT_ONCE)]
    return np.concatenate([value(moved[part], after[part]) @ _WEIGHTS for part in parts])


def reduction(bundle: Bundle, belief: Posterior, reliability: Reliability) -> Array:
    """What the answers take off the covariance of the qualities, (n, n)."""
    rows = [_observed(ask, belief, reliability) for ask in bundle]
    design = np.concatenate([row for row, _ in rows])
    noise = np.concatenate([variance for _, variance in rows])
    reach = belief.covariance[: belief.size] @ design.T
    seen = design @ belief.covariance @ design.T + np.diag(noise + _RIDGE)
    return np.asarray(reach @ np.linalg.solve(seen, reach.T), dtype=np.float64)


def _observed(ask: Ask, belief: Posterior, reliability: Reliability) -> tuple[Array, Array]:
    """Which sums of the latent variables an answer shows, and with which noise."""
    judge, width = reliability.of(ask.judge), len(belief.mean)
    if ask.judge in belief.judges:
        design = np.zeros((len(ask.places), width))
        for row, place in enumerate(ask.places):
            design[row, belief.opinion(ask.judge, place)] = 1.0
        return design, np.full(len(ask.places), judge.repeat_sd**2)
    first, second = ask.places
    design = np.zeros((1, width))
    design[0, first], design[0, second] = 1.0, -1.0
    return design, np.array([_comparison_noise(judge.discrimination, belief, reliability, ask)])


def _comparison_noise(
    discrimination: float, belief: Posterior, reliability: Reliability, ask: Ask
) -> float:
    """The inverse Fisher information of a verdict about the gap, at the gap that is expected."""
    slope = discrimination / reliability.quality_sd
    first, second = ask.places
    gap = float(belief.mean[first] - belief.mean[second])
    share = 1.0 / (1.0 + np.exp(-min(60.0, abs(slope * gap))))
    information = slope**2 * share * (1.0 - share)
    persistence = reliability.of(ask.judge).persistence
    counted = ask.calls / (1.0 + (ask.calls - 1) * persistence)
    return float(1.0 / max(information * counted, _RIDGE))
