"""What calls of a model cost in three cases, and what its server's cache is likely to save."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.money.prices import ModelPrice, Rates
from judgeforge.config.model import ModelConfig
from judgeforge.runs.cost_estimates.loads import EXPECTED, HIGH, LOW, Beginning, Caching, ModelLoad

PLAIN = ModelPrice((Rates(1.0, 4.0, 1.0, 1.0),), "test")
CACHED = ModelPrice((Rates(1.0, 4.0, 0.1, 1.0),), "test")
WRITTEN = ModelPrice((Rates(1.0, 4.0, 0.1, 1.25, hour_write=2.0),), "test")
INPUTS, OUTPUTS = (4000, 4100, 4200), (40, 120, 1024)
BEGINS = Beginning(1500, 2000)


def load(price: ModelPrice, *, provider: str = "openai", in_batch: bool = False) -> ModelLoad:
    model = ModelConfig.model_validate({"provider": provider, "model": "m"})
    return ModelLoad(price, Caching.of(model, price, in_batch=in_batch))


def added(found: ModelLoad, calls: int = 4, begins: Beginning = BEGINS, **more: Any) -> ModelLoad:
    found.add(calls, INPUTS, OUTPUTS, begins=begins, in_turn=True, **more)
    return found


def test_expects_what_a_cache_that_keeps_by_itself_is_likely_to_keep() -> None:
    one = added(load(CACHED))
    assert one.uncached_pico == 4 * PLAIN.cost(_usage(EXPECTED))
    read = one.uncached_pico - one.pico[EXPECTED]
    possible = (4 * 1500 + 3 * 2000) * 900_000
    assert 0.9 * possible < read <= possible


def test_expects_the_first_of_a_row_to_be_written_where_that_costs_more() -> None:
    one = added(load(WRITTEN, provider="anthropic"))
    assert one.pico[EXPECTED] < one.uncached_pico
    assert one.pico[EXPECTED] > added(load(CACHED)).pico[EXPECTED]


def test_high_reads_nothing_and_pays_every_write() -> None:
    plain, written = added(load(CACHED)), added(load(WRITTEN, provider="anthropic"))
    assert plain.pico[HIGH] == 4 * PLAIN.cost(_usage(HIGH))
    assert written.pico[HIGH] == plain.pico[HIGH] + 4 * 3500 * 250_000


def test_in_a_batch_what_is_kept_for_an_hour_has_its_price() -> None:
    one = added(load(WRITTEN, provider="anthropic", in_batch=True))
    assert one.pico[HIGH] == added(load(CACHED)).pico[HIGH] + 4 * 3500 * 1_000_000


def test_a_single_question_keeps_no_row() -> None:
    alone = added(load(WRITTEN, provider="anthropic"), 1)
    rubric_only = added(load(WRITTEN, provider="anthropic"), 1, Beginning(1500))
    assert alone.pico[EXPECTED] == rubric_only.pico[EXPECTED]


@pytest.mark.parametrize("begins", [Beginning(300, 400), Beginning(900, 100)])
def test_expects_nothing_of_what_is_too_short(begins: Beginning) -> None:
    one = added(load(CACHED), begins=begins)
    assert one.pico[EXPECTED] == one.uncached_pico
    assert not one.saves_by_caches


def test_expects_nothing_of_requests_that_are_not_sent_for_it() -> None:
    one = load(CACHED)
    one.add(4, INPUTS, OUTPUTS, begins=BEGINS)
    assert one.pico[EXPECTED] == one.uncached_pico


@given(
    calls=st.integers(1, 12),
    rubric=st.integers(0, 2000),
    row=st.integers(0, 2000),
    price=st.sampled_from([PLAIN, CACHED, WRITTEN]),
    provider=st.sampled_from(["openai", "anthropic"]),
    in_batch=st.booleans(),
)
def test_low_is_never_more_than_expected_nor_that_than_high(
    calls: int, rubric: int, row: int, price: ModelPrice, provider: str, in_batch: bool
) -> None:
    one = added(load(price, provider=provider, in_batch=in_batch), calls, Beginning(rubric, row))
    assert one.pico[LOW] <= one.pico[EXPECTED] <= one.pico[HIGH]


def _usage(case: int) -> Any:
    from judgeforge.calls.providers.base import Usage

    return Usage(INPUTS[case], OUTPUTS[case])
