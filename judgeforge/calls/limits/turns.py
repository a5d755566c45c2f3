"""Who goes first of requests that begin alike: the others find its beginning in the cache.

A request waits for the first one at most until that is answered, and at most ``MOST_WAIT_S`` from
when it was sent: a beginning is kept as soon as the server has read it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Turn:
    """Of one request that may be sent."""

    _led: list[_Beginning] = field(default_factory=list)

    def sent(self) -> None:
        """From now on the others wait for a limited time."""
        loop = asyncio.get_running_loop()
        for one in self._led:
            if one.first is not None:
                loop.call_later(MOST_WAIT_S, one.first.set)


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

    @asynccontextmanager
    async def turn(self, names: Iterable[str]) -> AsyncIterator[Turn]:
        """Wait until the beginnings are kept, or be the first to bring them. ``names``: the
        shortest first."""
        turn, beginnings = Turn(), [self._of(name) for name in names]
        try:
            for one in beginnings:
                await self._wait_or_lead(one, turn)
            yield turn
            for one in beginnings:
                one.kept_until = self._now() + KEPT_S
        finally:
            for one in turn._led:
                if one.first is not None:
                    one.first.set()
                    one.first = None

    async def _wait_or_lead(self, one: _Beginning, turn: Turn) -> None:
        if one.kept_until > self._now():
            return
        if one.first is not None:
            await one.first.wait()
            return
        one.first = asyncio.Event()
        turn._led.append(one)

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
