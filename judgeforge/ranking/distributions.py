"""Distributions of errors: Student's t with its heavy tails, and the normal one beneath it.

Most of a judge's errors are small and a few are gross (kurtosis of 7 to 8 on recorded judges): with
a normal law of the same variance moderate gaps are doubted too much and large ones too little. The
law here is that of 5 degrees of freedom, scaled to variance 1, by Wallace's approximation (1959):
Phi(sqrt(a log(1 + b z^2))) is a distribution function of its own, which can also be inverted.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


_ROOT_OF_TWO = math.sqrt(2.0)


def normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / _ROOT_OF_TWO)


_NORMAL_TAIL = (-1.453152027, 1.421413741, -0.284496736, 0.254829592)


def normal_cdf_array(z: Array) -> Array:
    """Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7."""
    x = np.abs(z) * (1.0 / math.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * x)
    poly = 1.061405429 * t
    for coefficient in _NORMAL_TAIL:
        poly += coefficient
        poly *= t
    x *= -x
    tail = 0.5 * poly * np.exp(x)
    return np.where(z >= 0, 1.0 - tail, tail)


FREEDOM = 5.0
"""Of the error of one completion."""
GAP_FREEDOM = 6.0
"""Of the difference of two such errors, which has half their excess kurtosis."""


def _coefficients(freedom: float) -> tuple[float, float]:
    a = freedom * ((8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)) ** 2
    return a, 1.0 / (freedom - 2.0)


_A, _B = _coefficients(FREEDOM)
_GAP_A, _GAP_B = _coefficients(GAP_FREEDOM)


def error_cdf(z: Array) -> Array:
    """Of one completion's error in its standard deviations."""
    return normal_cdf_array(np.copysign(np.sqrt(_A * np.log1p(_B * z * z)), z))


def error_from_normal(x: Array) -> Array:
    """The error that has the same distribution function as ``x`` has among normal ones."""
    return np.copysign(np.sqrt(np.expm1(x * x / _A) / _B), x)


def gap_cdf(z: float) -> float:
    """P(the first is better) for a gap of z standard deviations."""
    # `normal_cdf`, written out: each pair asks this a dozen times.
    return 0.5 * math.erfc(
        -math.copysign(math.sqrt(_GAP_A * math.log1p(_GAP_B * z * z)), z) / _ROOT_OF_TWO
    )


def gap_cdf_array(z: Array) -> Array:
    return normal_cdf_array(np.copysign(np.sqrt(_GAP_A * np.log1p(_GAP_B * z * z)), z))


def gap_cdf_approximated(z: float) -> float:
    """Of one gap what ``gap_cdf_array`` says, to the last bit, in a quarter of its time: of the
    functions whose last bit depends on who computes them, numpy's own are used here as well."""
    x = math.copysign(math.sqrt(_GAP_A * float(np.log1p(_GAP_B * z * z))), z)
    at = abs(x) * (1.0 / math.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * at)
    poly = 1.061405429 * t
    for coefficient in _NORMAL_TAIL:
        poly = (poly + coefficient) * t
    tail = 0.5 * poly * float(np.exp(at * -at))
    return 1.0 - tail if x >= 0 else tail


def gap_quantile(probability: float) -> float:
    """The z at which ``gap_cdf`` has this value; above 0 and below 1."""
    x = NormalDist().inv_cdf(probability)
    return math.copysign(math.sqrt(math.expm1(x * x / _GAP_A) / _GAP_B), x)
