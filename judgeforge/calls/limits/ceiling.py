"""The hard ceiling of one model: the requests and tokens a minute that the configuration allows."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Coroutine
from typing import Any

from asyncio_throttle.throttler import Throttler

_SHORTEST_PERIOD_S = 0.1
_POLL_S = 0.001
_TOKEN_BURST_S = 1.0


class TokenBucket:
    """Tokens a minute, by virtual scheduling: a debt is paid off before the next call starts.

    asyncio-throttle counts calls and has no notion of their size.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_second = per_minute / 60.0
        self._free_at = 0.0
        """When everything that was admitted so far is paid for (monotonic seconds)."""

    @property
    def wait_s(self) -> float:
        """Until the next call may start, whatever its size."""
        return max(0.0, self._free_at - time.monotonic() - _TOKEN_BURST_S)

    async def acquire(self, tokens: int) -> None:
        wait = self.wait_s
        self.take(tokens)
        if wait <= 0:
            return
        try:
            await asyncio.sleep(wait)
        except asyncio.CancelledError:
            self.give_back(tokens)
            raise

    def take(self, tokens: int) -> None:
        self._free_at = max(self._free_at, time.monotonic()) + tokens / self._per_second

    def give_back(self, tokens: int) -> None:
        """A reply used fewer tokens than were taken for it (or more, if negative)."""
        self._free_at -= tokens / self._per_second


class ModelThrottle:
    """Shared by everything that asks one model."""

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._requests = _throttler(requests_per_minute) if requests_per_minute else None
        # asyncio-throttle polls; one poller at a time costs nothing, thousands burn a core.
        self._turn = asyncio.Lock()
        self._tokens = TokenBucket(tokens_per_minute) if tokens_per_minute else None

    @property
    def is_set(self) -> bool:
        return self._requests is not None or self._tokens is not None

    async def admit(self, tokens: int) -> None:
        """Wait until a request of so many tokens may start."""
        if self._requests is not None:
            async with self._turn:
                await self._requests.acquire()  # type: ignore[no-untyped-call]
        if self._tokens is not None:
            await self._tokens.acquire(tokens)

    def try_admit(self, tokens: int) -> bool:
        """Admit at once, or take nothing: where it would have to wait, also behind others."""
        if self._turn.locked() or (self._tokens is not None and self._tokens.wait_s > 0):
            return False
        if self._requests is not None and not _ends_at_once(self._requests.acquire()):  # type: ignore[no-untyped-call]
            return False
        if self._tokens is not None:
            self._tokens.take(tokens)
        return True

    def give_back(self, tokens: int) -> None:
        if self._tokens is not None:
            self._tokens.give_back(tokens)


def _ends_at_once(waiting: Coroutine[Any, Any, object]) -> bool:
    """Whether it ends without having to wait; else it is given up (a Throttler cannot be asked)."""
    try:
        waiting.send(None)
    except StopIteration:
        return True
    waiting.close()
    return False


def _throttler(per_minute: float) -> Throttler:
    """Short periods spread the requests; a whole second's worth at once would be a burst."""
    per_second = per_minute / 60.0
    at_once = max(1, math.ceil(per_second * _SHORTEST_PERIOD_S))
    period = at_once / per_second
    return Throttler(
        rate_limit=at_once, period=period, retry_interval=max(_POLL_S, min(period / 100, 0.05))
    )
