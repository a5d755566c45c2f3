"""What a call costs, and the most that it can cost.

Money is counted in whole picodollars (1e-12 USD): integers add up exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from judgeforge.config import PAID_PROVIDERS, ModelConfig
from judgeforge.providers.base import Body, Usage

PICODOLLARS = 10**12
_PICO_PER_TOKEN_AT_ONE_USD_PER_MTOK = PICODOLLARS // 10**6
HIDDEN_INPUT_TOKENS = 1000
"""Chat markup, tool preambles and schema grammar that a provider adds and bills."""
BYTES_PER_TOKEN = 4
"""English text; used for estimates only, never for a promise."""


def to_usd(pico: int) -> float:
    return pico / PICODOLLARS


def to_pico(usd: float) -> int:
    return round(Fraction(usd) * PICODOLLARS)


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens, valid for requests of more than ``above_tokens`` input tokens."""

    input: float
    output: float
    cached_input: float
    cache_write: float
    above_tokens: int = -1


@dataclass(frozen=True, slots=True)
class ModelPrice:
    tiers: tuple[Rates, ...]
    """By rising ``above_tokens``; a whole request is billed at the last tier that applies."""
    source: str

    def cost(self, usage: Usage) -> int:
        """Picodollars for what a reply used."""
        rates = self._rates(usage.input_tokens)
        fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        per_mtok = (
            max(0, fresh) * rates.input
            + usage.cached_input_tokens * rates.cached_input
            + usage.cache_write_tokens * rates.cache_write
            + usage.output_tokens * rates.output
        )
        return math.ceil(per_mtok * _PICO_PER_TOKEN_AT_ONE_USD_PER_MTOK)

    def upper_bound(self, input_tokens: int, output_tokens: int) -> int:
        """Picodollars that no reply with at most so many tokens can exceed."""
        return max(
            math.ceil(
                (
                    input_tokens * max(rates.input, rates.cached_input, rates.cache_write)
                    + output_tokens * rates.output
                )
                * _PICO_PER_TOKEN_AT_ONE_USD_PER_MTOK
            )
            for rates in self.tiers
            if rates.above_tokens < input_tokens
        )

    def _rates(self, input_tokens: int) -> Rates:
        return next(r for r in reversed(self.tiers) if r.above_tokens < max(input_tokens, 0))


FREE = ModelPrice(tiers=(Rates(0.0, 0.0, 0.0, 0.0),), source="local model")


def price_of(model: ModelConfig) -> ModelPrice | None:
    """The configured price, else the public price list's; None where neither knows the model."""
    if model.price is not None:
        own = model.price
        cached, write = own.cached_input_per_mtok, own.cache_write_per_mtok
        rates = Rates(
            input=own.input_per_mtok,
            output=own.output_per_mtok,
            cached_input=own.input_per_mtok if cached is None else cached,
            cache_write=own.input_per_mtok if write is None else write,
        )
        return ModelPrice(tiers=(rates,), source="configuration")
    if model.provider not in PAID_PROVIDERS:
        return FREE
    return _listed_price(model)


_LISTED_AS = {"openai_decisions": "openai"}
"""Under which provider the public price list has a model. It knows the prices of chat, which a
decision does not exceed; a `price` in the configuration says it exactly."""


def _listed_price(model: ModelConfig) -> ModelPrice | None:
    from genai_prices import Usage as ListUsage
    from genai_prices import __version__, calc_price

    try:
        if model.base_url is None:
            listed_as = _LISTED_AS.get(model.provider, model.provider)
            found = calc_price(ListUsage(), model.model, provider_id=listed_as)
        else:
            found = calc_price(ListUsage(), model.model, provider_api_url=model.base_url)
    except LookupError:
        return None
    listed = found.model_price
    starts = {-1}
    for name in ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok"):
        starts.update(tier.start for tier in getattr(getattr(listed, name), "tiers", ()))
    if listed.input_mtok is None or listed.output_mtok is None:
        return None
    tiers = tuple(_listed_rates(listed, start) for start in sorted(starts))
    return ModelPrice(tiers=tiers, source=f"genai-prices {__version__}")


def _listed_rates(listed: object, above_tokens: int) -> Rates:
    def rate(name: str) -> float | None:
        price = getattr(listed, name)
        if price is None:
            return None
        value = getattr(price, "base", price)
        for tier in getattr(price, "tiers", ()):
            if tier.start <= above_tokens:
                value = tier.price
        return float(value)

    fresh = rate("input_mtok") or 0.0
    cached, write = rate("cache_read_mtok"), rate("cache_write_mtok")
    return Rates(
        input=fresh,
        output=rate("output_mtok") or 0.0,
        cached_input=fresh if cached is None else cached,
        cache_write=fresh if write is None else write,
        above_tokens=above_tokens,
    )


def most_input_tokens(request: str) -> int:
    """No more input tokens than this can be billed for a canonical request.

    Byte-level tokenizers never make more tokens than there are bytes.
    """
    return len(request.encode("utf-8", "surrogatepass")) + HIDDEN_INPUT_TOKENS


MOST_TOKENS_PER_DECISION = 64
"""Decision models write no text; hosts that count output at all count a few tokens a question."""


def most_output_tokens(body: Body) -> int:
    """The output limit in the body, which bounds reasoning as well."""
    if "questions" in body:
        return MOST_TOKENS_PER_DECISION * len(body["questions"])
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if not isinstance(limit, int):
        raise ValueError("a request without an output limit has no price")
    return limit
