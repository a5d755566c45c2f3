"""Who goes first of requests that begin alike: the others find its beginning in the cache.

A request waits for the first one at most until that is answered, and at most ``MOST_WAIT_S`` from
when it was sent: a beginning is kept as soon as the server has read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

MOST_WAIT_S = 10.0
KEPT_S = 300.0
"""Beginnings that nothing has read for this long are lost at most providers."""
KEPT_FOR = 64
"""Readers that what is kept counts as: to read it always pays."""
_SWEPT_FROM = 4096


@dataclass(slots=True)
class _Beginning:
    asking: int = 0
    """Requests under way that have it."""
    first: asyncio.Event | None = None
    """Set as soon as others may follow; None while no first one is under way."""
    kept_until: float = 0.0


class Turn:
    """Of one request: entered where it may be sent (``Turns.turn``)."""

    __slots__ = ("_beginnings", "_led", "_now")

    def __init__(self, beginnings: Sequence[_Beginning], now: Callable[[], float]) -> None:
        self._beginnings, self._now = beginnings, now
        self._led: list[_Beginning] = []

    def sent(self) -> None:
        """From now on the others wait for a limited time."""
        for one in self._led:
            if one.first is not None:
                asyncio.get_running_loop().call_later(MOST_WAIT_S, one.first.set)

    async def __aenter__(self) -> Self:
        try:
            for one in self._beginnings:
                await self._wait_or_lead(one)
        except BaseException:
            self._let_others_follow()
            raise
        return self

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            for one in self._beginnings:
                one.kept_until = self._now() + KEPT_S
        self._let_others_follow()

    async def _wait_or_lead(self, one: _Beginning) -> None:
        if one.kept_until > self._now():
            return
        if one.first is not None:
            await one.first.wait()
            return
        one.first = asyncio.Event()
        self._led.append(one)

    def _let_others_follow(self) -> None:
        for one in self._led:
            if one.first is not None:
                one.first.set()
                one.first = None


class Turns:
    """By the names of beginnings, of a whole run."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[str, _Beginning] = {}
        self._sweep_from = _SWEPT_FROM

    def expect(self, names: Iterable[str]) -> None:
        """A request with these beginnings has come to the door."""
        for name in names:
            self._of(name).asking += 1

    def ended(self, names: Iterable[str]) -> None:
        for name in names:
            self._of(name).asking -= 1
        if len(self._known) > self._sweep_from:
            self._sweep()

    def readers(self, names: Sequence[str]) -> int:
        """How many requests have the longest of these beginnings: those under way, and one that
        had it kept."""
        if not names:
            return 0
        one = self._of(names[-1])
        return one.asking + (KEPT_FOR if one.kept_until > self._now() else 0)

    def turn(self, names: Iterable[str]) -> Turn:
        """Wait until the beginnings are kept, or be the first to bring them. ``names``: the
        shortest first."""
        return Turn([self._of(name) for name in names], self._now)

    def _of(self, name: str) -> _Beginning:
        return self._known.setdefault(name, _Beginning())

    def _sweep(self) -> None:
        now = self._now()
        self._known = {
            name: one
            for name, one in self._known.items()
            if one.asking or one.first is not None or one.kept_until > now
        }
        self._sweep_from = max(_SWEPT_FROM, 2 * len(self._known))
