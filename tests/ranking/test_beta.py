"""The distribution of a share, of which some cases were seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.beta import beta_cdf, beta_interval

counts = st.floats(0.5, 2000.0)
shares = st.floats(0.01, 0.99)


@given(shares, counts)
def test_where_it_has_a_closed_form_it_is_that(x: float, a: float) -> None:
    assert beta_cdf(x, 1.0, 1.0) == pytest.approx(x, abs=1e-9)
    assert beta_cdf(x, a, 1.0) == pytest.approx(x**a, abs=1e-9)
    assert beta_cdf(x, 1.0, a) == pytest.approx(1.0 - (1.0 - x) ** a, abs=1e-9)


@given(shares, counts, counts)
def test_it_is_a_probability_that_is_the_same_from_both_ends(x: float, a: float, b: float) -> None:
    found = beta_cdf(x, a, b)
    assert -1e-9 <= found <= 1.0 + 1e-9
    assert beta_cdf(1.0 - x, b, a) == pytest.approx(1.0 - found, abs=1e-6)


@given(counts, counts)
def test_an_interval_leaves_equal_tails_outside(a: float, b: float) -> None:
    low, high = beta_interval(a, b, 0.95)
    assert 0.0 <= low < high <= 1.0
    assert beta_cdf(low, a, b) == pytest.approx(0.025, abs=1e-3)
    assert beta_cdf(high, a, b) == pytest.approx(0.975, abs=1e-3)


def test_clopper_and_pearson_agree() -> None:
    low, _ = beta_interval(8.0, 3.0, 0.95)
    assert low == pytest.approx(0.4439, abs=1e-4), "of 10 cases 8, the lower end (1934)"
