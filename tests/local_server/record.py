"""What came in, and what a provider would have billed for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Kind = Literal["completion", "judge", "other"]
Wire = Literal["openai", "anthropic", "decisions", "systemone", "classify", "tei", "none"]


@dataclass(frozen=True)
class TokenCount:
    """``input`` and ``output`` are whole; the others are parts of them."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    hour_write: int = 0
    """Of ``cache_write``."""


@dataclass
class RequestRecord:
    index: int
    """From 0, in order of arrival."""
    method: str
    path: str
    wire: Wire
    kind: Kind
    model: str
    raw: bytes
    headers: Mapping[str, str]
    """Lower-case names; of keys the last four characters."""
    authorization: bool
    x_api_key: bool
    at: float
    """Seconds since the server started."""
    status: int | None = None
    """None while no reply was begun."""
    fault: str | None = None
    query: str = ""
    tokens: TokenCount = field(default_factory=TokenCount)
    """What the provider counts for this request, whether or not the reply arrives."""
    counted_tokens: int = 0
    """What a limit of tokens counted for it."""
    text: str | None = None
    done_at: float | None = None
    in_batch: bool = False
    """Answered as a line of a batch."""

    @cached_property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw) if self.raw else {}

    @property
    def billed(self) -> bool:
        """A reply of 200 was begun, or the reply was withheld after all was received."""
        return self.kind != "other" and self.status in (None, 200)

    def cost_usd(self, price: object) -> float:
        """``price`` has the fields of judgeforge's own ``Price``, or is a mapping of them."""
        if self.in_batch and (own := _rate(price, "batch")) is not None:
            price = own
        plain = _rate(price, "input_per_mtok")
        cached = _rate(price, "cached_input_per_mtok")
        written = _rate(price, "cache_write_per_mtok")
        for_an_hour = _rate(price, "hour_write_per_mtok")
        used = self.tokens
        write = plain or 0.0 if written is None else written
        usd_per_million = (
            (used.input - used.cached - used.cache_write) * (plain or 0.0)
            + used.cached * (plain or 0.0 if cached is None else cached)
            + (used.cache_write - used.hour_write) * write
            + used.hour_write * (write if for_an_hour is None else for_an_hour)
            + used.output * (_rate(price, "output_per_mtok") or 0.0)
        )
        return usd_per_million / 1e6


def _rate(price: object, name: str) -> Any:
    return price.get(name) if isinstance(price, Mapping) else getattr(price, name, None)
