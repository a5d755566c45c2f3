"""What comes back through the door to paid calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from judgeforge.providers.base import ModelReply, ModelRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's reply together with what is needed to explain it later."""

    key: str
    """SHA-256 (hex) of the canonical request; the reply is stored under it."""
    reply: ModelReply
    cost_usd: float | None
    """What the reply cost when it was bought; None where the price is unknown."""
    cached: bool
    answered_by: str | None = None
    """The name of the fallback that answered; None where the model that was asked did."""


class Asks(Protocol):
    """The one way to a model: sampling and judging see nothing else of ``calls``."""

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        """Answer from the cache, or send.

        ``model`` is a name under ``models:``. ``sample`` tells equal requests apart that are meant
        to be drawn anew (completion 0, 1, 2; repeat 0, 1).

        Raises CallError when no reply could be had, BudgetExhaustedError when it does not fit.
        """
        ...
