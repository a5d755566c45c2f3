"""What a model costs: by its configuration, else by the public price list (genai-prices).

A listed price is never less than what may be billed: prices that change with the hour or on a day
count at the highest that a start of a run may meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from judgeforge.calls.money.prices import FREE, ModelPrice, Rates
from judgeforge.config.addresses import is_this_machine
from judgeforge.config.model import ModelConfig
from judgeforge.config.price import BatchPrice, Price

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, PriceCalculation, PriceVariant
    from genai_prices.types import ModelPrice as ListedPrice

_IN_BATCHES: Mapping[str, str] = {"processing": "batch"}

LONGEST_START = timedelta(days=7)
"""For this long after its beginning a start of a run meets no price that it did not expect."""

_AT_THE_USUAL_PRICE: Mapping[str, frozenset[object]] = {
    "service_tier": frozenset({None, "auto", "default", "standard", "standard_only", "on_demand"}),
    "speed": frozenset({None, "standard"}),
    "inference_geo": frozenset({None, "global"}),
    "search_type": frozenset({None}),
    "web_search_options": frozenset({None}),
}
"""Parameters of requests that change the price, and their values that do not."""


_BILLED_APART = frozenset(
    {
        "audio",
        "best_of",
        "candidate_count",
        "enable_search",
        "fallbacks",
        "mcp_servers",
        "modalities",
        "models",
        "num_return_sequences",
        "plugins",
        "prediction",
        "search_parameters",
        "web_search",
        "web_search_options",
    }
)
"""Parameters that let a request cost more than its tokens at the price of its model: other models,
tools of the provider, several replies, tokens beyond `max_tokens`."""
_ASKS_FOR_NOTHING: tuple[object, ...] = (None, False, 0, 1, "", [], ["text"])


class UnlistedError(LookupError):
    """The list does not say what the model may cost; the message says why."""


def price_of(model: ModelConfig) -> ModelPrice | None:
    """The configured price, else the public price list's; None where neither knows the model."""
    if model.price is not None:
        return _configured(model.price)
    if not model.facts.paid or (model.facts.free_here and _is_here(model)):
        return FREE
    try:
        return listed_price(model)
    except UnlistedError:
        return None


def _is_here(model: ModelConfig) -> bool:
    """Whether all its servers run on this machine."""
    return bool(model.addresses) and all(is_this_machine(one) for one in model.addresses)


def batch_price_of(model: ModelConfig) -> ModelPrice | None:
    """Of a model's requests in batches: by `price.batch`, else by the public list; None where
    neither has a price for that. A list that has none gives the usual price without a word."""
    if model.price is not None:
        own = model.price
        if own.input_per_mtok == own.output_per_mtok == 0:
            return _configured(own)
        return None if own.batch is None else _configured(own.batch)
    try:
        return listed_price(model, more=_IN_BATCHES)
    except UnlistedError:
        return None


def billed_apart(model: ModelConfig) -> str | None:
    """The parameter of a paid model that no reservation can bound, if there is one."""
    if not model.facts.paid:
        return None
    asked = model.passed_on
    found = (
        name
        for name in sorted(_BILLED_APART & asked.keys())
        if asked[name] is True or asked[name] not in _ASKS_FOR_NOTHING
    )
    return next(found, None)


def why_unknown(model: ModelConfig) -> str:
    """Of a model for which ``price_of`` gives None."""
    try:
        listed_price(model)
    except UnlistedError as error:
        return str(error)
    raise ValueError(f"the price of {model.model} is known")


def listed_price(
    model: ModelConfig, now: datetime | None = None, *, more: Mapping[str, str] | None = None
) -> ModelPrice:
    """The highest of all prices within ``LONGEST_START``, in each part. ``more``: of the context
    that decides the price, which the list must know. Raises UnlistedError."""
    from genai_prices import __version__

    now = now or datetime.now(UTC)
    found = _look_up(model, now)
    variants = _variants(found)
    _check_parameters(model, variants)
    if more and not any(more.items() <= variant.when.items() for variant in variants):
        raise UnlistedError("the public price list has no price of it in batches")
    context = {key: value for key, value in model.passed_on.items() if isinstance(value, str)}
    context |= more or {}
    prices = [
        _look_up(model, moment, context).model_price
        for moment in _moments(now, found.model, variants)
    ]
    for price in prices:
        _check_parts(price)
    starts = sorted({-1, *(start for price in prices for start in _tier_starts(price))})
    return ModelPrice(
        tiers=tuple(_highest([_rates(price, start) for price in prices]) for start in starts),
        source=f"genai-prices {__version__}",
        per_request=max(_part(price, "requests_kcount", 0) or 0.0 for price in prices) / 1000,
    )


def _configured(own: Price | BatchPrice) -> ModelPrice:
    cached, write = own.cached_input_per_mtok, own.cache_write_per_mtok
    rates = Rates(
        input=own.input_per_mtok,
        output=own.output_per_mtok,
        cached_input=own.input_per_mtok if cached is None else cached,
        cache_write=own.input_per_mtok if write is None else write,
        hour_write=own.hour_write_per_mtok,
    )
    per_request = own.per_request if isinstance(own, Price) else 0.0
    return ModelPrice(tiers=(rates,), source="configuration", per_request=per_request)


def _look_up(
    model: ModelConfig, moment: datetime, context: Mapping[str, str] | None = None
) -> PriceCalculation:
    from genai_prices import Usage, calc_price

    look_up = partial(
        calc_price, Usage(), model.model, genai_request_timestamp=moment, price_context=context
    )
    try:
        if model.addresses:
            return look_up(provider_api_url=model.addresses[0])
        return look_up(provider_id=model.facts.listed_as or model.provider)
    except LookupError as error:
        raise UnlistedError(_why_unlisted(model, look_up)) from error


def _why_unlisted(model: ModelConfig, look_up: Callable[..., object]) -> str:
    """Prices are of a server: another one that has a model of that name may ask anything."""
    missing = "the public price list does not have it"
    if not model.addresses:
        return missing
    where = urlsplit(model.addresses[0]).hostname or "its base_url"
    try:
        look_up(provider_id=model.facts.listed_as or model.provider)
    except LookupError:
        return f"{missing} at {where}"
    return f"the public price list has it at {model.provider}'s own address, not at {where}"


def _variants(found: PriceCalculation) -> Sequence[PriceVariant]:
    """Those that the list uses: none where it lends the model from another provider."""
    if not any(found.model is own for own in found.provider.models):
        return ()
    return found.model.price_variants or ()


def _check_parameters(model: ModelConfig, variants: Sequence[PriceVariant]) -> None:
    params = model.passed_on
    for name, usual in _AT_THE_USUAL_PRICE.items():
        value = params.get(name)
        if isinstance(value, str | None) and value in usual:
            continue
        if any(name in v.when and v.when.items() <= params.items() for v in variants):
            continue
        raise UnlistedError(f"the public price list does not have it with `{name}: {value}`")


def _check_parts(price: ListedPrice) -> None:
    if price.input_mtok is None or price.output_mtok is None:
        raise UnlistedError("the public price list lacks its price of input or of output")
    if price.output_citation_mtok is not None:
        raise UnlistedError("it bills citations, which a request does not limit")


def _moments(
    now: datetime, model: ModelInfo, variants: Sequence[PriceVariant]
) -> Iterator[datetime]:
    """Now, and whenever within ``LONGEST_START`` a price may begin: prices hold in between."""
    from genai_prices.types import TimeOfDateConstraint

    yield now
    constraints = [one.constraint for one in variants]
    if isinstance(model.prices, list):
        constraints += [one.constraint for one in model.prices]
    if not any(constraints):
        return
    hours = {time(tzinfo=UTC)}
    for constraint in constraints:
        if isinstance(constraint, TimeOfDateConstraint):
            hours |= {constraint.start_time, constraint.end_time}
    for day in range(-1, LONGEST_START.days + 1):
        date = (now + timedelta(days=day)).astimezone(UTC).date()
        for hour in hours:
            moment = datetime.combine(date, hour if hour.tzinfo else hour.replace(tzinfo=UTC))
            if now < moment <= now + LONGEST_START:
                yield moment


def _tier_starts(price: ListedPrice) -> Iterator[int]:
    for name in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"):
        for tier in getattr(getattr(price, name), "tiers", ()):
            yield tier.start


def _rates(price: ListedPrice, above_tokens: int) -> Rates:
    fresh = _part(price, "input_mtok", above_tokens) or 0.0
    cached = _part(price, "cache_read_mtok", above_tokens)
    write = _part(price, "cache_write_mtok", above_tokens)
    output = _part(price, "output_mtok", above_tokens) or 0.0
    return Rates(
        input=fresh,
        # Reasoning of its own price is a part of what is counted as output.
        output=max(output, _part(price, "output_reasoning_mtok", above_tokens) or 0.0),
        cached_input=fresh if cached is None else cached,
        cache_write=fresh if write is None else write,
        above_tokens=above_tokens,
        hour_write=_part(price, "cache_write_1h_mtok", above_tokens),
    )


def _part(price: ListedPrice, name: str, above_tokens: int) -> float | None:
    listed = getattr(price, name, None)
    if listed is None:
        return None
    value = getattr(listed, "base", listed)
    for tier in getattr(listed, "tiers", ()):
        if tier.start <= above_tokens:
            value = tier.price
    return float(value)


def _highest(rates: Sequence[Rates]) -> Rates:
    """In each part; all of ``rates`` begin at the same number of tokens."""
    hours = [one.hour_write for one in rates if one.hour_write is not None]
    plain = (astuple(replace(one, hour_write=0.0)) for one in rates)
    highest = Rates(*(max(parts) for parts in zip(*plain, strict=True)))
    return replace(highest, hour_write=max(hours, default=None))
