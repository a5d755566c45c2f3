"""How often completions are equally good is expected by who wrote them, and then learnt."""

from __future__ import annotations

import numpy as np
import pytest

from judgeforge.ranking.api import fit_reliability
from judgeforge.ranking.reliability.closeness import CLOSE_OF_ONE, CLOSE_OF_TWO, CLOSE_PAIRS
from judgeforge.records import Judgment


def judged(prompts: int, error: float, *, tied: float) -> list[list[Judgment]]:
    """Four completions each, of which a share of all is as good as the one before it."""
    draw = np.random.default_rng(1)
    found = []
    for prompt in range(prompts):
        quality = draw.normal(0.5, 0.15, 4)
        for place in range(1, 4):
            if draw.random() < tied:
                quality[place] = quality[place - 1]
        found.append(
            [
                Judgment(
                    id=f"p{prompt}.c{place}.{name}",
                    prompt_id=f"p{prompt}",
                    completion_ids=(f"p{prompt}.c{place}",),
                    judge=name,
                    protocol="pointwise",
                    score=float(np.clip(one + draw.normal(0.0, error), 0.0, 1.0)),
                )
                for place, one in enumerate(quality)
                for name in ("one", "two")
            ]
        )
    return found


@pytest.mark.parametrize(
    ("same_writer", "expected"),
    [(1.0, CLOSE_OF_ONE), (0.0, CLOSE_OF_TWO), (0.5, CLOSE_PAIRS), (None, CLOSE_PAIRS)],
)
def test_judges_that_see_little_leave_what_is_expected_of_the_writers(
    same_writer: float | None, expected: float
) -> None:
    found = fit_reliability(judged(6, 0.3, tied=0.2), same_writer=same_writer)
    assert found.close_pairs == pytest.approx(expected, abs=0.04)


def test_the_more_completions_one_model_wrote_the_more_ties_are_expected() -> None:
    said = judged(12, 0.2, tied=0.2)
    shares = [fit_reliability(said, same_writer=one).close_pairs for one in (0.0, 0.3, 0.7, 1.0)]
    assert shares == sorted(set(shares))


@pytest.mark.parametrize("same_writer", [0.0, 1.0])
def test_what_judges_show_moves_it(same_writer: float) -> None:
    few, many = (
        fit_reliability(judged(128, 0.02, tied=tied), same_writer=same_writer).close_pairs
        for tied in (0.0, 0.6)
    )
    assert few + 0.04 < many


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`same_writer` must be from 0 to 1, not 1\.5"):
        fit_reliability([], same_writer=1.5)
