"""How far scores go with length, and how often that alone makes chosen the longer side.

Without labels it cannot be told whether longer answers are liked for their length or are better.
So this is what length can explain at most, and a pair set far above it has another cause.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import NormalDist

_MARGIN_UNIT = 0.001
_NORMAL = NormalDist()


class LengthBias:
    """Fed prompt by prompt; keeps sums only."""

    def __init__(self) -> None:
        self._score_squares = self._length_squares = self._products = 0.0
        self._degrees = 0
        self._longer_higher = self._compared = 0

    def add_completions(self, judged: Sequence[tuple[float, int]]) -> None:
        """Score (0 to 1) and length (characters) of every judged completion of one prompt."""
        if len(judged) < 2:
            return
        scores = [score for score, _ in judged]
        lengths = [math.log1p(length) for _, length in judged]
        mean_score, mean_length = sum(scores) / len(judged), sum(lengths) / len(judged)
        for score, length in zip(scores, lengths, strict=True):
            self._score_squares += (score - mean_score) ** 2
            self._length_squares += (length - mean_length) ** 2
            self._products += (score - mean_score) * (length - mean_length)
        self._degrees += len(judged) - 1
        for (one, one_length), (other, other_length) in combinations(judged, 2):
            if one != other and one_length != other_length:
                self._compared += 1
                self._longer_higher += (one > other) == (one_length > other_length)

    @property
    def longer_scores_higher(self) -> float | None:
        """Share of all judged completions of a prompt, two by two, whose longer scores higher."""
        return self._longer_higher / self._compared if self._compared else None

    @property
    def correlation(self) -> float | None:
        """Of score and logarithm of the length within prompts, -1 to 1."""
        spread = math.sqrt(self._score_squares * self._length_squares)
        if not spread > 0.0:
            return None
        return max(-1.0, min(1.0, self._products / spread))

    def chosen_longer(self, margins: Iterable[float]) -> float | None:
        """Share of pairs of these margins whose chosen is longer by correlation alone.

        Scores and log lengths within a prompt are taken as jointly normal: at a margin m the
        chance is Phi(m / (sd * sqrt(2)) * r / sqrt(1 - r * r)) with the sd of scores within prompts
        and the correlation r.
        """
        correlation = self.correlation
        counts = Counter(round(margin / _MARGIN_UNIT) for margin in margins)
        if correlation is None or not counts:
            return None
        sd = math.sqrt(self._score_squares / self._degrees)
        rest = math.sqrt(1.0 - correlation**2)
        if rest == 0.0:
            return float(correlation > 0.0)
        slope = correlation / (rest * sd * math.sqrt(2.0))
        longer = (n * _NORMAL.cdf(m * _MARGIN_UNIT * slope) for m, n in counts.items())
        return sum(longer) / counts.total()
