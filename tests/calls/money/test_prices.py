"""Prices: exact for what was used, never too low for what may come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from genai_prices import Usage as ListUsage
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.call import make_call
from judgeforge.calls.money.price_list import LONGEST_START, listed_price, price_of, why_unknown
from judgeforge.calls.money.prices import (
    FREE,
    HIDDEN_INPUT_TOKENS,
    MOST_TOKENS_PER_DECISION,
    ModelPrice,
    Rates,
    most_input_tokens,
    most_output_tokens,
)
from judgeforge.calls.providers.base import Usage
from judgeforge.config.model import ModelConfig
from judgeforge.config.price import Price
from judgeforge.store.spending import to_pico, to_usd

TIERED = ModelPrice(
    (Rates(1.0, 4.0, 0.1, 1.25), Rates(2.0, 8.0, 0.2, 2.5, above_tokens=1000)), "test"
)

OWN = {"input_per_mtok": 7, "output_per_mtok": 9}


def model(**fields: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "openai", "model": "gpt-5.4-mini", **fields})


def test_cached_input_and_cache_writes_have_their_own_price() -> None:
    usage = Usage(1000, 100, cached_input_tokens=400, cache_write_tokens=100)
    assert to_usd(TIERED.cost(usage)) == pytest.approx((500 + 40 + 125 + 400) / 1e6)


def test_a_long_request_is_billed_whole_at_the_higher_tier() -> None:
    assert to_usd(TIERED.cost(Usage(1001, 0))) == pytest.approx(2002 / 1e6)


def test_less_than_a_picodollar_is_rounded_up() -> None:
    cheap = ModelPrice((Rates(2.5e-7, 0.0, 0.0, 0.0),), "test")
    assert (cheap.cost(Usage(1, 0)), cheap.cost(Usage(5, 0))) == (1, 2)
    assert cheap.upper_bound(5, 0) == 2


def test_a_short_request_is_bounded_by_the_prices_of_short_ones() -> None:
    assert to_usd(TIERED.upper_bound(1000, 10)) == pytest.approx((1250 + 40) / 1e6)
    assert to_usd(TIERED.upper_bound(1001, 10)) == pytest.approx((2502.5 + 80) / 1e6)


def test_the_configured_price_wins_over_the_price_list() -> None:
    own = price_of(model(price=Price(input_per_mtok=7, output_per_mtok=9)))
    assert own is not None
    assert own.source == "configuration"
    assert to_usd(own.cost(Usage(1_000_000, 1_000_000, cached_input_tokens=500_000))) == 16.0


def test_the_price_list_knows_current_models() -> None:
    for provider, name in [("openai", "gpt-5.4"), ("anthropic", "claude-haiku-4-5")]:
        listed = price_of(model(provider=provider, model=name))
        assert listed is not None
        assert listed.cost(Usage(1000, 1000)) > 0


def test_a_model_that_nobody_knows_has_no_price_and_is_not_free() -> None:
    assert price_of(model(model="no-such-model-at-all")) is None
    assert price_of(model(base_url="http://127.0.0.1:9/v1")) is None


def output_at(priced: ModelConfig, moment: datetime) -> float:
    listed = calc_price(
        ListUsage(),
        priced.model,
        provider_api_url=priced.base_url,
        genai_request_timestamp=moment,
    )
    return float(listed.model_price.output_mtok)


class TestAListedPrice:
    @pytest.mark.parametrize(
        ("params", "factor"),
        [
            ({}, 1),
            ({"service_tier": "auto"}, 1),
            ({"service_tier": "priority"}, 2),
            ({"extra_body": {"service_tier": "priority"}}, 2),
            ({"service_tier": "flex"}, 0.5),
        ],
    )
    def test_follows_what_the_requests_ask_for(self, params: dict[str, Any], factor: float) -> None:
        usual, asked = (
            price_of(model(model="gpt-5.4")),
            price_of(model(model="gpt-5.4", params=params)),
        )
        assert asked.cost(Usage(1000, 1000)) == factor * usual.cost(Usage(1000, 1000))

    def test_doubles_with_the_fast_mode_of_anthropic(self) -> None:
        usual = price_of(model(provider="anthropic", model="claude-opus-4-8"))
        fast = price_of(
            model(provider="anthropic", model="claude-opus-4-8", params={"speed": "fast"})
        )
        assert fast.tiers[0].output >= 2 * usual.tiers[0].output

    @pytest.mark.parametrize(
        "params",
        [
            {"service_tier": "turbo"},
            {"speed": "fast"},
            {"inference_geo": "us"},
            {"web_search_options": {}},
            {"service_tier": ["priority"]},
        ],
    )
    def test_is_unknown_with_parameters_whose_price_the_list_does_not_have(
        self, params: dict[str, Any]
    ) -> None:
        asked = model(model="gpt-5.4", params=params)
        assert price_of(asked) is None
        assert f"`{next(iter(params))}: " in why_unknown(asked)
        assert price_of(asked.model_copy(update={"price": Price.model_validate(OWN)})) is not None

    def test_is_the_highest_of_the_day(self) -> None:
        deepseek = model(model="deepseek-flash", base_url="https://api.deepseek.com")
        noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
        of_the_day = [output_at(deepseek, noon + timedelta(hours=hour)) for hour in range(24)]
        assert len(set(of_the_day)) > 1
        assert listed_price(deepseek, noon).tiers[0].output == max(of_the_day)

    def test_counts_a_change_that_comes_while_a_run_may_last(self) -> None:
        mistral = model(model="mistral-large-4", base_url="https://api.mistral.ai/v1")
        change = datetime(2026, 10, 20, tzinfo=UTC)
        day_before, long_before = change - timedelta(days=1), change - 2 * LONGEST_START
        assert output_at(mistral, day_before) < output_at(mistral, change)
        assert listed_price(mistral, day_before).tiers[0].output == output_at(mistral, change)
        assert listed_price(mistral, long_before).tiers[0].output == output_at(mistral, day_before)

    def test_has_what_each_request_costs_beside_its_tokens(self) -> None:
        sonar = price_of(model(model="sonar", base_url="https://api.perplexity.ai"))
        fee = sonar.per_request
        assert 0.001 < fee < 0.1
        assert to_usd(sonar.cost(Usage(1000, 0))) == pytest.approx(fee + 1000 * 1e-6)
        assert sonar.upper_bound(1000, 10) >= sonar.cost(Usage(1000, 10))

    def test_is_unknown_where_something_is_billed_that_nothing_limits(self) -> None:
        research = model(model="sonar-deep-research", base_url="https://api.perplexity.ai")
        assert price_of(research) is None
        assert "citations" in why_unknown(research)


def test_a_configured_price_may_have_a_part_for_each_request() -> None:
    own = price_of(model(price={**OWN, "per_request": 0.01}))
    assert to_usd(own.cost(Usage(1_000_000, 0))) == 7.01


def test_a_decision_model_is_listed_at_its_prices_for_chat_and_bounded_without_a_limit() -> None:
    listed = price_of(model(provider="openai_decisions", model="gpt-6-luna"))
    assert listed is not None
    assert listed == price_of(model(provider="openai", model="gpt-6-luna"))
    assert most_output_tokens({"questions": [{}, {}]}) == 2 * MOST_TOKENS_PER_DECISION


def test_a_server_for_decisions_has_the_price_that_it_is_given() -> None:
    fields = {"provider": "systemone", "base_url": "http://127.0.0.1:9/v1"}
    assert price_of(model(**fields)) is None
    own = price_of(model(**fields, price={"input_per_mtok": 0.05, "output_per_mtok": 0}))
    assert own.cost(Usage(1_000_000, 30)) == 50_000_000_000


def test_a_local_model_is_free() -> None:
    assert price_of(model(provider="local", model="smollm2-135m")) is FREE


@given(st.integers(1, 5000), st.integers(0, 5000), st.floats(0, 1), st.floats(0, 1))
def test_no_reply_within_the_limits_costs_more_than_the_bound(
    most_in: int, most_out: int, a: float, b: float
) -> None:
    used = int(most_in * a)
    cached = int(used * b)
    usage = Usage(used, most_out, cached_input_tokens=cached, cache_write_tokens=used - cached)
    assert TIERED.cost(usage) <= TIERED.upper_bound(most_in, most_out)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_any_amount_of_money_becomes_whole_picodollars(usd: float) -> None:
    assert to_usd(to_pico(usd)) == pytest.approx(usd, abs=1e-12)


@given(st.text(st.characters(codec="utf-8")))
def test_input_is_never_estimated_below_its_bytes_and_what_the_provider_adds(text: str) -> None:
    call = make_call(
        model_name="m", provider="p", base_url="u", endpoint="e", body={"text": text}, sample=0
    )
    assert most_input_tokens(call.request_bytes) == len(call.request.encode()) + HIDDEN_INPUT_TOKENS


def test_a_body_without_an_output_limit_has_no_price() -> None:
    with pytest.raises(ValueError, match="output limit"):
        most_output_tokens({"model": "m"})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "no-such-model"}, "the public price list does not have it"),
        (
            {"model": "gpt-4o", "base_url": "http://127.0.0.1:9/v1"},
            "the public price list has it at openai's own address, not at 127.0.0.1",
        ),
        (
            {"model": "gpt-4o", "base_url": "https://gateway.example/v1"},
            "the public price list has it at openai's own address, not at gateway.example",
        ),
        (
            {"model": "gpt-4o", "base_url": "http://[::1]:8000"},
            "the public price list has it at openai's own address, not at ::1",
        ),
        (
            {"model": "my-model", "base_url": "http://localhost:8000/v1"},
            "the public price list does not have it at localhost",
        ),
        (
            {
                "provider": "anthropic",
                "model": "claude-sonnet-4-0",
                "base_url": "https://x.example",
            },
            "the public price list has it at anthropic's own address, not at x.example",
        ),
    ],
)
def test_why_a_price_is_unknown_says_of_which_server(fields: dict[str, Any], said: str) -> None:
    assert why_unknown(model(**fields)) == said
