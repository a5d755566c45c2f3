"""Many numbers as a histogram and quantiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.results.figures.distribution import Values


class TestValues:
    @given(st.lists(st.integers(-1000, 1000), min_size=1), st.floats(0, 1))
    def test_a_quantile_is_a_value_that_the_share_does_not_exceed(
        self, numbers: list[int], share: float
    ) -> None:
        values = Values()
        for number in numbers:
            values.add(number)
        found = values.quantile(share)
        assert found in numbers
        assert sum(number <= found for number in numbers) >= share * len(numbers) - 1e-9

    @given(st.lists(st.floats(-2, 2, allow_nan=False)))
    def test_a_histogram_counts_each_value_once(self, numbers: list[float]) -> None:
        values = Values()
        for number in numbers:
            values.add(number)
        assert sum(values.histogram(0.0, 1.0, 7).counts) == len(numbers)

    @pytest.mark.parametrize(("value", "place"), [(0.5, 0), (0.55, 2), (0.975, 19), (1.0, 19)])
    def test_a_value_on_an_edge_counts_upwards(self, value: float, place: int) -> None:
        values = Values()
        values.add(value)
        assert values.histogram(0.5, 1.0, 20).counts.index(1) == place

    @given(st.lists(st.integers(0, 10_000), min_size=1))
    def test_whole_numbers_are_kept_as_they_are(self, numbers: list[int]) -> None:
        values, ordered = Values(), sorted(numbers)
        for number in numbers:
            values.add(number)
        least, median, most = values.quantiles((0.0, 0.5, 1.0))
        assert (least, median, most) == (ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1])

    def test_a_mean_is_that_of_the_numbers_as_they_came(self) -> None:
        values = Values()
        for number in range(1_000):
            values.add(0.1 + number * 1e-9)
        assert values.mean == pytest.approx(0.1 + 499.5e-9, abs=1e-15)

    def test_nothing_has_no_mean_and_no_quantiles(self) -> None:
        assert (Values().mean, Values().quantiles(), Values().quantile(0.5)) == (None, [], None)
