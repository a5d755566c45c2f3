"""The Beta distribution: what is known of a share after some successes and failures. Pure.

Without numpy, which a command that only looks ahead or back would import for nothing else.
"""

from __future__ import annotations

import math

_FRACTION_STEPS, _TINY, _BISECTIONS = 500, 1e-300, 60


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, for ``a`` and ``b`` above 0 (DLMF 8.17.22, by
    Lentz's method)."""
    if x <= 0.0 or x >= 1.0:
        return float(x > 0.0)
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - beta_cdf(1.0 - x, b, a)
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0) or _TINY)
    fraction = d
    for m in range(1, _FRACTION_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for step in (even, odd):
            d = 1.0 / (1.0 + step * d or _TINY)
            c = 1.0 + step / c or _TINY
            fraction *= c * d
        if abs(fraction - before) <= 1e-14 * abs(fraction):
            break
    logs = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(logs + a * math.log(x) + b * math.log1p(-x)) * fraction / a


def beta_interval(a: float, b: float, level: float) -> tuple[float, float]:
    """The middle ``level`` (0 to 1) of a Beta distribution, between equal tails."""
    return _beta_quantile((1.0 - level) / 2.0, a, b), _beta_quantile((1.0 + level) / 2.0, a, b)


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if beta_cdf(middle, a, b) < probability else (low, middle)
    return (low + high) / 2.0
