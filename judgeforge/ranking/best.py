"""P(a completion is the best of its prompt), from means and covariance of all of them."""

from __future__ import annotations

import numpy as np

from judgeforge.ranking.confidence import probabilities_better
from judgeforge.ranking.distributions import Array, error_cdf, error_from_normal

_NORMAL: Array = np.linspace(-4.0, 4.0, 17)
_DENSITY: Array = np.exp(-0.5 * _NORMAL**2) / np.exp(-0.5 * _NORMAL**2).sum()
_ERRORS = error_from_normal(_NORMAL)
_SMALLEST_VARIANCE = 1e-10


def best_probabilities(means: Array, covariance: Array) -> Array:
    """Shapes (..., n) and (..., n, n) -> (..., n), each row summing to 1.

    Exact for two completions and wherever qualities differ by independent errors and a common one;
    otherwise the independent errors whose differences have the nearest variances stand in.
    """
    n = means.shape[-1]
    if n == 1:
        return np.ones_like(means)
    variances = _own_variances(covariance)
    if not (variances > _SMALLEST_VARIANCE).any():
        top = means == means.max(-1, keepdims=True)
        return np.asarray(top / top.sum(-1, keepdims=True), dtype=np.float64)
    sd = np.sqrt(np.maximum(variances, _SMALLEST_VARIANCE))
    if n == 2:
        first = probabilities_better(means[..., 0] - means[..., 1], (sd**2).sum(-1))
        return np.stack([first, 1.0 - first], axis=-1)
    values = means[..., :, None] + sd[..., :, None] * _ERRORS
    z = (values[..., :, None, :] - means[..., None, :, None]) / sd[..., None, :, None]
    below = error_cdf(z)
    own = np.arange(n)
    below[..., own, own, :] = 1.0
    chances = below.prod(axis=-2) @ _DENSITY
    return np.asarray(chances / chances.sum(-1, keepdims=True), dtype=np.float64)


def _own_variances(covariance: Array) -> Array:
    """v with v_i + v_k nearest to Var(q_i - q_k) for all pairs (least squares)."""
    n = covariance.shape[-1]
    diagonal = np.diagonal(covariance, axis1=-2, axis2=-1)
    gaps = diagonal[..., :, None] + diagonal[..., None, :] - 2.0 * covariance
    rows = gaps.sum(-1)
    if n == 2:
        return np.asarray(rows / 2.0, dtype=np.float64)
    total = rows.sum(-1, keepdims=True) / (2.0 * (n - 1))
    return np.asarray(np.maximum((rows - total) / (n - 2), 0.0), dtype=np.float64)
