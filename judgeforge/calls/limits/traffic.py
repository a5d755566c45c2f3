"""How much of a provider's allowance a request uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AllowanceKind = Literal["requests", "tokens", "input-tokens", "output-tokens"]
"""What providers count; the names are those in their headers."""


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Tokens are estimates: the input by its length, the output by its limit."""

    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def of(self, kind: AllowanceKind) -> float:
        if kind == "requests":
            return 1.0
        if kind == "tokens":
            return float(self.tokens)
        return float(self.input_tokens if kind == "input-tokens" else self.output_tokens)


class Traffic:
    """Everything that was sent so far, to tell what was sent after a certain request."""

    __slots__ = ("input_tokens", "output_tokens", "requests")

    def __init__(self) -> None:
        self.requests = self.input_tokens = self.output_tokens = 0

    def add(self, size: RequestSize) -> None:
        self.requests += 1
        self.input_tokens += size.input_tokens
        self.output_tokens += size.output_tokens

    def take_back(self, size: RequestSize) -> None:
        """The request was refused, so it used nothing."""
        self.requests -= 1
        self.input_tokens -= size.input_tokens
        self.output_tokens -= size.output_tokens

    def snapshot(self) -> Traffic:
        copy = Traffic()
        copy.requests = self.requests
        copy.input_tokens, copy.output_tokens = self.input_tokens, self.output_tokens
        return copy

    def total(self, kind: AllowanceKind) -> int:
        if kind == "requests":
            return self.requests
        if kind == "tokens":
            return self.input_tokens + self.output_tokens
        return self.input_tokens if kind == "input-tokens" else self.output_tokens
