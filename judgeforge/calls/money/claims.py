"""What one prompt may pay and has paid, known wherever its calls go through the door; and what is
left for all prompts together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from judgeforge.errors import BudgetExhaustedError


@dataclass(slots=True)
class Claim:
    """Of one prompt."""

    refusal: BudgetExhaustedError | None = None
    """Why nothing may be paid: then only replies that are stored already may be used."""
    paid_pico: int = 0
    paid_calls: int = 0
    cached_calls: int = 0
    prompt: str = ""
    """Its id."""
    goes_first: bool = False
    """The prompt is to show whether models can be asked at all, so its calls wait for nothing."""

    def paid(self, pico: int | None) -> None:
        self.paid_pico += pico or 0
        self.paid_calls += 1


_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def current_claim() -> Claim | None:
    return _current.get()


@contextmanager
def claiming(claim: Claim) -> Iterator[None]:
    """All calls that are started within count for this claim (tasks inherit it)."""
    token = _current.set(claim)
    try:
        yield
    finally:
        _current.reset(token)


@dataclass(frozen=True, slots=True)
class Room:
    """What is neither settled nor lost with a killed run. None: no limit."""

    pico: int | None
    calls: int | None
    limit: str
    """The key of the limit of money that is the tightest."""

    def holds(self, pico: int, calls: int) -> bool:
        return (self.pico is None or pico <= self.pico) and (
            self.calls is None or calls <= self.calls
        )
