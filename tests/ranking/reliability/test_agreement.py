"""Judges that compare in one order only show by their agreement what they read."""

from __future__ import annotations

import numpy as np
import pytest

from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.agreement import LEAST, agreement_of
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.records import Judgment

PROMPTS = 200


def comparing(right: float, *, judges: int = 2, seed: int = 0) -> list[list[Judgment]]:
    """Completion a is the better one; each judge says so with the probability ``right``."""
    draw = np.random.default_rng(seed)
    return [
        [
            Judgment(
                id=f"p{prompt}.j{judge}",
                prompt_id=f"p{prompt}",
                completion_ids=(f"p{prompt}.a", f"p{prompt}.b"),
                judge=f"j{judge}",
                protocol="pairwise",
                verdict="a" if draw.random() < right else "b",
            )
            for judge in range(judges)
        ]
        for prompt in range(PROMPTS)
    ]


def test_the_more_they_agree_the_more_each_is_taken_to_read() -> None:
    found = [
        fit_reliability(comparing(right)).of("j0").discrimination for right in (0.6, 0.87, 0.97)
    ]
    assert found == sorted(found)
    assert found[0] == LEAST < 0.3 < found[1] < 1.5 < found[2]


@pytest.mark.parametrize("judges", [2, 3])
def test_judges_that_answer_at_random_give_no_pair_over_six_tenths(judges: int) -> None:
    said = comparing(0.5, judges=judges)
    known = fit_reliability(said)
    pairs = [pair for one in said for pair in select_pairs(rank(one, reliability=known)).pairs]
    assert pairs
    assert max(pair.confidence for pair in pairs) < 0.6


def test_what_judges_share_keeps_many_that_agree_from_being_certain() -> None:
    said = comparing(0.85, judges=5)
    known = fit_reliability(said)
    assert known.shared_by_all > 0.05
    sure = max(
        pair.confidence for one in said for pair in select_pairs(rank(one, reliability=known)).pairs
    )
    assert 0.8 < sure < 0.97


def test_without_a_pair_in_common_nothing_is_shown() -> None:
    apart = {"one": {("p", (0, 1)): 1.0}, "other": {("q", (0, 1)): 1.0}}
    assert agreement_of(apart).pairs == 0
