"""How often completions are equally good is expected by who wrote them; scores move it a little."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from judgeforge.ranking.api import fit_reliability
from judgeforge.ranking.reliability.closeness import (
    CLOSE_OF_ONE,
    CLOSE_OF_TWO,
    CLOSE_PAIRS,
    CLOSE_PROMPTS,
)
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Judgment

Law = Callable[[np.random.Generator], NDArray[np.float64]]
"""Four qualities."""


def normal(draw: np.random.Generator) -> NDArray[np.float64]:
    return draw.normal(0.5, 0.15, 4)


def skewed(draw: np.random.Generator) -> NDArray[np.float64]:
    return 0.65 - 0.15 * draw.exponential(size=4)


def of_few_values(draw: np.random.Generator) -> NDArray[np.float64]:
    return draw.choice([0.2, 0.35, 0.5, 0.65, 0.8], 4)


def judged(
    prompts: int, error: float, *, tied: float, law: Law = normal, seed: int = 1
) -> list[list[Judgment]]:
    """Four completions each, of which a share of all is as good as the one before it."""
    draw = np.random.default_rng(seed)
    found = []
    for prompt in range(prompts):
        quality = law(draw)
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


def close(known: Reliability) -> float:
    """Of any two completions."""
    return 1.0 - (1.0 - known.close_prompts) * (1.0 - known.close_pairs)


@pytest.mark.parametrize("same_writer", [0.0, 1.0])
def test_what_judges_show_moves_it(same_writer: float) -> None:
    few, many = (
        close(fit_reliability(judged(128, 0.02, tied=tied), same_writer=same_writer))
        for tied in (0.0, 0.6)
    )
    assert few + 0.1 < many


@pytest.mark.parametrize("error", [0.03, 0.1])
@pytest.mark.parametrize("law", [normal, skewed, of_few_values])
def test_a_law_of_qualities_that_looks_like_ties_moves_it_little(law: Law, error: float) -> None:
    expected = 1.0 - (1.0 - CLOSE_PROMPTS) * (1.0 - CLOSE_PAIRS)
    found = [
        close(fit_reliability(judged(64, error, tied=0.0, law=law, seed=seed))) for seed in range(3)
    ]
    assert np.mean(found) == pytest.approx(expected, abs=0.06)


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`same_writer` must be from 0 to 1, not 1\.5"):
        fit_reliability([], same_writer=1.5)
