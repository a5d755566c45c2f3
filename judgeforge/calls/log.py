"""What the door tells the log of each attempt."""

from __future__ import annotations

from typing import Protocol


class CallLog(Protocol):
    def call(  # noqa: PLR0913
        self,
        *,
        key: str,
        model: str,
        provider: str,
        attempt: int,
        outcome: str,
        latency_s: float,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cost_usd: float | None = None,
        status: int | None = None,
        error: str | None = None,
    ) -> None: ...

    def event(self, name: str, **fields: object) -> None: ...
