"""The statistics of an evaluation: shares with intervals, agreement, calibration. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from judgeforge.calibration.evaluation.evaluation import Bin
from judgeforge.ranking.distributions import Array

Z95 = 1.959964
MOST_BINS, LEAST_IN_BIN = 10, 10


def wilson(successes: float, n: float) -> tuple[float, float]:
    """95 % interval of a share; (0, 1) for no observation."""
    if n == 0:
        return (0.0, 1.0)
    share, squared = successes / n, Z95**2 / n
    centre = (share + squared / 2.0) / (1.0 + squared)
    half = Z95 / (1.0 + squared) * math.sqrt(share * (1.0 - share) / n + squared / (4.0 * n))
    return (max(0.0, centre - half), min(1.0, centre + half))


def cohen_kappa(one: Sequence[str], other: Sequence[str]) -> float | None:
    """None where both always give the same single answer, or there is none."""
    n = len(one)
    if n == 0:
        return None
    agreed = sum(a == b for a, b in zip(one, other, strict=True)) / n
    first, second = Counter(one), Counter(other)
    chance = sum(first[name] * second[name] for name in first) / n**2
    return None if math.isclose(chance, 1.0) else (agreed - chance) / (1.0 - chance)


def reliability_table(probabilities: Array, right: Array) -> tuple[Bin, ...]:
    """Bins of equally many items, 10 at most, each of at least 10 items where there are enough."""
    number = max(1, min(MOST_BINS, len(probabilities) // LEAST_IN_BIN))
    order = np.argsort(probabilities, kind="stable")
    return tuple(
        Bin(n=len(part), probability=float(probabilities[part].mean()), right=right[part].mean())
        for part in np.array_split(order, number)
        if len(part)
    )


def calibration_error(table: Sequence[Bin]) -> float:
    total = sum(one.n for one in table)
    return sum(one.n * abs(one.probability - one.right) for one in table) / total


def caution(n: int, accuracy_ci: tuple[float, float]) -> str:
    """How little few labels prove, in a sentence."""
    width = accuracy_ci[1] - accuracy_ci[0]
    told_apart = 100.0 * Z95 * math.sqrt(0.15 / max(n, 1))
    return (
        f"{n} labels leave the accuracy open between {accuracy_ci[0]:.0%} and "
        f"{accuracy_ci[1]:.0%} ({100 * width:.0f} points); on this many items two panels must "
        f"differ by about {told_apart:.0f} points to be told apart"
    )
