"""`models.X.batch` and `price.batch`: what is allowed, and what follows for the price."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.calls.money.price_list import batch_price_of, price_of
from judgeforge.config.batch import BatchConfig
from judgeforge.config.model import ModelConfig
from judgeforge.runs.preparation.identity import model_identity


def model(**fields: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "openai", "model": "gpt-5", **fields})


def test_true_asks_for_batches_as_usual_and_false_for_none() -> None:
    assert model(batch=True).batch == BatchConfig()
    assert model(batch=False).batch is None
    assert model().batch is None


def test_batches_change_no_identity() -> None:
    assert model_identity(model(batch=True)) == model_identity(model())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"provider": "local", "model": "m.gguf"}, "takes no batches"),
        ({"provider": "openai_decisions"}, "takes no batches"),
        ({"provider": "anthropic", "params": {"speed": "fast"}}, "takes no `speed`"),
    ],
)
def test_what_takes_no_batches_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        model(**fields, batch=True)


@pytest.mark.parametrize(
    ("provider", "name"), [("openai", "gpt-5"), ("anthropic", "claude-haiku-4-5")]
)
def test_a_listed_price_in_batches_is_half(provider: str, name: str) -> None:
    one = model(provider=provider, model=name)
    usual, in_batches = price_of(one), batch_price_of(one)
    assert usual is not None
    assert in_batches is not None
    for each, half in zip(usual.tiers, in_batches.tiers, strict=True):
        assert half.input == pytest.approx(each.input / 2)
        assert half.output == pytest.approx(each.output / 2)


def test_a_list_without_a_price_in_batches_says_so() -> None:
    """It would give the usual price without a word."""
    one = model(model="gpt-4o-search-preview")
    assert price_of(one) is not None
    assert batch_price_of(one) is None


def test_a_configured_price_has_a_part_for_batches() -> None:
    price = {"input_per_mtok": 2, "output_per_mtok": 8}
    assert batch_price_of(model(price=price)) is None
    own = {**price, "batch": {"input_per_mtok": 1, "output_per_mtok": 4}}
    found = batch_price_of(model(price=own))
    assert found is not None
    assert (found.tiers[0].input, found.tiers[0].cached_input) == (1, 1)


def test_what_is_free_is_free_in_batches() -> None:
    found = batch_price_of(model(price={"input_per_mtok": 0, "output_per_mtok": 0}))
    assert found is not None
    assert found.upper_bound(10, 10) == 0
