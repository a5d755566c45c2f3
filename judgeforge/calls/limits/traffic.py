"""How much of a provider's allowance a request uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AllowanceKind = Literal["requests", "tokens", "input-tokens", "output-tokens"]
"""What providers count; the names are those in their headers."""


class _Amount:
    requests: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def of(self, kind: AllowanceKind) -> int:
        if kind == "requests":
            return self.requests
        if kind == "tokens":
            return self.tokens
        return self.input_tokens if kind == "input-tokens" else self.output_tokens


@dataclass(frozen=True)
class RequestSize(_Amount):
    """Tokens are estimates: the input by its length, the output by its limit."""

    input_tokens: int
    output_tokens: int
    requests: int = 1


@dataclass
class Traffic(_Amount):
    """Everything that was sent so far, to tell what was sent after a certain request."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def add(self, size: RequestSize, *, times: int = 1) -> None:
        """``times`` is -1 for a request that was refused: it used nothing."""
        self.requests += times
        self.input_tokens += times * size.input_tokens
        self.output_tokens += times * size.output_tokens

    def snapshot(self) -> Traffic:
        return Traffic(self.requests, self.input_tokens, self.output_tokens)
