"""Where the price of a configured model comes from."""

from __future__ import annotations

from judgeforge.calls.price_list import UnlistedError, listed_price
from judgeforge.calls.prices import FREE, ModelPrice, Rates
from judgeforge.model_config import PAID_PROVIDERS, ModelConfig, Price


def price_of(model: ModelConfig) -> ModelPrice | None:
    """The configured price, else the public price list's; None where neither knows the model."""
    if model.price is not None:
        return _configured(model.price)
    if model.provider not in PAID_PROVIDERS:
        return FREE
    try:
        return listed_price(model)
    except UnlistedError:
        return None


def why_unknown(model: ModelConfig) -> str:
    """Of a model for which ``price_of`` gives None."""
    try:
        listed_price(model)
    except UnlistedError as error:
        return str(error)
    raise ValueError(f"the price of {model.model} is known")


def _configured(own: Price) -> ModelPrice:
    cached, write = own.cached_input_per_mtok, own.cache_write_per_mtok
    rates = Rates(
        input=own.input_per_mtok,
        output=own.output_per_mtok,
        cached_input=own.input_per_mtok if cached is None else cached,
        cache_write=own.input_per_mtok if write is None else write,
    )
    return ModelPrice(tiers=(rates,), source="configuration", per_request=own.per_request)
