"""The share of wrong pairs that losses want to know, and how sure it is."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.results.figures.label_noise import MOST, LabelNoise, smoothing_in_words


def noise(*prompts: list[float]) -> LabelNoise:
    made = LabelNoise()
    for wrong in prompts:
        made.add_prompt(wrong)
    return made


def test_it_is_the_mean_probability_that_a_pair_is_wrong() -> None:
    found = noise([0.1], [0.3]).smoothing
    assert found is not None
    assert found.value == pytest.approx(0.2)


def test_the_interval_is_that_of_independent_prompts() -> None:
    found = noise(*[[0.1]] * 400).smoothing
    assert found is not None
    width = 1.96 * math.sqrt(0.1 * 0.9 / 400)
    assert (found.low, found.high) == pytest.approx((0.1 - width, 0.1 + width))


def test_pairs_of_one_prompt_count_as_wrong_together() -> None:
    apart, together = noise(*[[0.3]] * 1000).smoothing, noise(*[[0.3] * 10] * 100).smoothing
    assert apart is not None
    assert together is not None
    assert together.high - together.low == pytest.approx((apart.high - apart.low) * math.sqrt(10))


def test_it_stays_below_what_the_loss_can_take() -> None:
    found = noise([0.5]).smoothing
    assert found is not None
    assert found.value == MOST


def test_without_pairs_there_is_nothing_to_say() -> None:
    assert noise().smoothing is None
    assert smoothing_in_words(noise(), is_measured=False) == "There are no pairs to say it of."


def test_the_words_name_the_loss_the_interval_and_what_it_rests_on() -> None:
    told = smoothing_in_words(noise(*[[0.1]] * 400), is_measured=False)
    assert 'DPOConfig(loss_type="robust", label_smoothing=0.100)' in told
    assert "7.1% to 12.9% of these pairs are wrong" in told
    assert "No labels were used" in told
    assert "calibrated on labels" in smoothing_in_words(noise([0.1]), is_measured=True)


@given(st.lists(st.lists(st.floats(0, 0.5), min_size=1, max_size=4), min_size=1))
def test_the_value_lies_in_its_interval(prompts: list[list[float]]) -> None:
    found = noise(*prompts).smoothing
    assert found is not None
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-9
