"""What a call costs, and the most that it can cost.

Money is counted in whole picodollars (1e-12 USD): integers add up exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from judgeforge.calls.providers.base import Body, Usage
from judgeforge.store.spending import PICODOLLARS, to_pico

_PICO_PER_TOKEN_AT_ONE_USD_PER_MTOK = PICODOLLARS // 10**6
HIDDEN_INPUT_TOKENS = 1000
"""Chat markup, tool preambles and schema grammar that a provider adds and bills."""
MOST_POSSIBLE_TOKENS = 10**7
"""No model reads or writes more for one request: a usage above it is a mistake of the server."""
MOST_TOKENS_PER_DECISION = 64
"""Decision models write no text; a host that counts output counts a few tokens a question."""
_OF_REWARDS = frozenset({"use_activation", "text", "inputs", "turns"})
"""Fields of requests to reward models, one of which each has; these write nothing."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens, valid for requests of more than ``above_tokens`` input tokens."""

    input: float
    output: float
    cached_input: float
    cache_write: float
    above_tokens: int = -1
    hour_write: float | None = field(default=None, repr=False)
    """Of what a cache keeps for an hour; as ``cache_write`` where no price of its own is known.
    Not part of the digest that a folder knows its prices by."""

    @property
    def dearest_input(self) -> float:
        return max(self.input, self.cached_input, self.cache_write)


@dataclass(frozen=True, slots=True)
class ModelPrice:
    tiers: tuple[Rates, ...]
    """By rising ``above_tokens``; a whole request is billed at the last tier that applies."""
    source: str
    per_request: float = 0.0
    """USD for each request that is answered, beside its tokens."""

    def cost(self, usage: Usage) -> int:
        """Picodollars for a reply with this usage."""
        return self.cost_of(
            usage.input_tokens,
            usage.output_tokens,
            cached=usage.cached_input_tokens,
            written=usage.cache_write_tokens,
            for_an_hour=usage.hour_write_tokens,
        )

    def cost_of(
        self,
        input_tokens: int,
        output_tokens: int,
        *,
        cached: int = 0,
        written: int = 0,
        for_an_hour: int = 0,
    ) -> int:
        """The same of this many tokens, named as in ``Usage``: a plan asks it a dozen times a
        prompt, and one value for each would take longer than the sums."""
        rates = self._rates(input_tokens)
        per_mtok = (
            max(0, input_tokens - cached - written) * rates.input
            + cached * rates.cached_input
            + (written - for_an_hour) * rates.cache_write
            + for_an_hour * _hour_write(rates)
            + output_tokens * rates.output
        )
        return self._whole(per_mtok)

    def upper_bound(
        self, input_tokens: int, output_tokens: int, *, kept_an_hour: bool = False
    ) -> int:
        """Picodollars that no reply with at most this many tokens can exceed. ``kept_an_hour``:
        whether a cache may be asked to keep the input for that long."""
        return max(
            self._whole(
                input_tokens * max(rates.dearest_input, _hour_write(rates) if kept_an_hour else 0.0)
                + output_tokens * rates.output
            )
            for rates in self.tiers
            if rates.above_tokens < input_tokens
        )

    def _whole(self, per_mtok: float) -> int:
        tokens = math.ceil(per_mtok * _PICO_PER_TOKEN_AT_ONE_USD_PER_MTOK)
        return tokens + to_pico(self.per_request) if self.per_request else tokens

    def _rates(self, input_tokens: int) -> Rates:
        if len(self.tiers) == 1:
            return self.tiers[0]
        tokens = max(input_tokens, 0)
        for rates in reversed(self.tiers):
            if rates.above_tokens < tokens:
                return rates
        raise AssertionError("the first tier begins at no tokens")


def _hour_write(rates: Rates) -> float:
    return rates.cache_write if rates.hour_write is None else rates.hour_write


FREE = ModelPrice(tiers=(Rates(0.0, 0.0, 0.0, 0.0),), source="local model")


def most_input_tokens(size: int) -> int:
    """No more input tokens than this can be billed for a canonical request of ``size`` bytes.

    Byte-level tokenizers never make more tokens than there are bytes.
    """
    return size + HIDDEN_INPUT_TOKENS


def most_output_tokens(body: Body) -> int:
    """The output limit in the body, which bounds reasoning as well."""
    if "questions" in body:
        return MOST_TOKENS_PER_DECISION * len(body["questions"])
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if not isinstance(limit, int) and not _OF_REWARDS.isdisjoint(body):
        return 0
    if not isinstance(limit, int):
        raise ValueError("a request without an output limit has no price")
    return limit


def prices_digest(prices: Mapping[str, ModelPrice | None]) -> str:
    """A hash (16 hex digits) of what all models of a run cost."""
    return hashlib.sha256(repr(sorted(prices.items())).encode()).hexdigest()[:16]
