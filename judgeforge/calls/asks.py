"""The door to paid calls as sampling and judging see it: what is asked, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

from judgeforge.calls.providers.base import ModelReply, ModelRequest

T = TypeVar("T")


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


class NoCalls:
    """Implements ``Asks`` where nothing may be asked: for what only says which questions it has."""

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> NoReturn:
        raise AssertionError(f"nothing is asked here: {model}, {request}, {sample}")


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order. The first error is raised as it is, and the others are cancelled.

    A prompt that cannot be finished must not go on spending money on its other calls.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
