"""The bound on how many pairs by design are right holds at all looks of a run at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.pairing.running_bound import (
    RISK,
    fewest_to_show,
    high_at_all_looks,
    is_surely_below,
)


@pytest.mark.parametrize("share", [0.6, 0.8])
def test_a_run_whose_share_is_as_asked_is_hardly_ever_stopped(share: float) -> None:
    draw = np.random.default_rng(11)
    stopped = 0
    for _ in range(100):
        seen = (draw.random(120) < share).astype(float).tolist()
        stopped += any(is_surely_below(seen[:n], share) for n in range(4, 121, 4))
    assert stopped / 100 <= 2 * RISK


def test_a_share_of_a_half_is_soon_shown_to_be_below_eighty_percent() -> None:
    assert is_surely_below([0.5] * 30, 0.8)
    assert not is_surely_below([0.9] * 200, 0.8)


@given(st.lists(st.floats(0.0, 1.0), max_size=40), st.floats(0.05, 0.95))
def test_the_bound_is_where_a_share_stops_being_shown_to_be_lower(
    better: list[float], least: float
) -> None:
    high = high_at_all_looks(better)
    if abs(high - least) > 1e-6:
        assert is_surely_below(better, least) == (high < least)
    if better:
        assert high >= sum(better) / len(better) - 1e-9


@pytest.mark.parametrize(("least", "pairs"), [(0.5, 8), (0.8, 4), (0.95, 2)])
def test_even_wrong_pairs_alone_take_some_to_show_anything(least: float, pairs: int) -> None:
    assert fewest_to_show(least) == pairs
    assert not is_surely_below([0.0] * (pairs - 1), least)
