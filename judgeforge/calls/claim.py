"""What one prompt may pay and has paid, known wherever its calls go through the door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from judgeforge.errors import BudgetExhaustedError


@dataclass(slots=True)
class Claim:
    refusal: BudgetExhaustedError | None = None
    """Why nothing may be paid: then only replies that are stored already may be used."""
    paid_pico: int = 0
    paid_calls: int = 0
    cached_calls: int = 0


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
