"""How far scores go with length, and what that explains."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.results.figures.length import LengthBias


def drawn(seed: int, correlation: float, prompts: int, size: int = 4) -> list[Any]:
    """Score and length of the completions of many prompts, jointly normal within each."""
    draw = random.Random(seed)
    made = []
    for _ in range(prompts):
        level, base = draw.uniform(0.3, 0.7), draw.uniform(5, 6)
        normals = [(draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(size)]
        rest = (1 - correlation**2) ** 0.5
        made.append(
            [
                (level + 0.08 * s, round(np.exp(base + 0.4 * (correlation * s + rest * e))))
                for s, e in normals
            ]
        )
    return made


def fed(made: Sequence[Any]) -> tuple[LengthBias, list[float], float]:
    """With the margins of best-against-worst pairs, and the share of those whose best is longer."""
    bias, margins, longer = LengthBias(), [], 0
    for completions in made:
        bias.add_completions(completions)
        best, worst = max(completions), min(completions)
        margins.append(best[0] - worst[0])
        longer += best[1] > worst[1]
    return bias, margins, longer / len(made)


class TestLengthBias:
    @pytest.mark.parametrize("correlation", [-0.4, 0.0, 0.3, 0.7])
    def test_explains_the_longer_sides_where_length_is_all_there_is(
        self, correlation: float
    ) -> None:
        bias, margins, share = fed(drawn(1, correlation, 3_000))
        assert bias.correlation == pytest.approx(correlation, abs=0.03)
        assert bias.chosen_longer(margins) == pytest.approx(share, abs=0.03)

    def test_correlates_within_prompts_only(self) -> None:
        """Hard prompts have long answers and low scores; that is no bias."""
        bias = LengthBias()
        for level in range(1, 100):
            scores = (level / 100, level / 100 + 0.1)
            lengths = (2_000 - 10 * level, 2_000 - 10 * level + 100 * (-1) ** level)
            bias.add_completions(list(zip(scores, lengths, strict=True)))
        assert bias.correlation is not None
        assert abs(bias.correlation) < 0.1

    @given(
        st.lists(
            st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9_999)), max_size=5), max_size=6
        ),
        st.lists(st.floats(0, 1), max_size=4),
    )
    def test_stays_within_its_bounds(self, made: list[Any], margins: list[float]) -> None:
        bias = LengthBias()
        for completions in made:
            bias.add_completions(completions)
        for share in (bias.chosen_longer(margins), bias.longer_scores_higher):
            assert share is None or 0 <= share <= 1 + 1e-12
        assert bias.correlation is None or -1 <= bias.correlation <= 1

    def test_is_certain_where_scores_follow_length_exactly(self) -> None:
        for sign in (1, -1):
            bias = LengthBias()
            bias.add_completions([(0.5, 100), (0.5 + sign * 0.1, 200)])
            assert bias.chosen_longer([0.1]) == pytest.approx(float(sign > 0), abs=1e-6)
