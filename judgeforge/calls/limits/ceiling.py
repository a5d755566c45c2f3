"""The hard ceiling of one model: the requests and tokens a minute that the configuration allows.

asyncio-throttle limits the requests. It counts calls and knows nothing of their size, so tokens
have a bucket of their own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asyncio_throttle.throttler import Throttler

_SHORTEST_PERIOD_S = 0.1
_SHORTEST_POLL_S, _LONGEST_POLL_S = 0.001, 0.05
_TOKEN_BURST_S = 1.0
_LEAST_SHARE = 1e-6


class Ceiling:
    """Shared by everything that asks one model.

    asyncio-throttle polls: one that waits costs nothing, thousands would burn a core. The gate
    lets one at a time wait here.
    """

    def __init__(
        self,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        self._per_minute = requests_per_minute
        self._requests = _throttler(requests_per_minute) if requests_per_minute else None
        self._tokens = TokenBucket(tokens_per_minute) if tokens_per_minute else None

    def scale(self, share: float) -> None:
        """Let through only this share (0 to 1) of what the configuration allows: other processes
        have the rest. At 0 nothing passes until there is a share again."""
        least = max(share, _LEAST_SHARE)
        if self._requests is not None and self._per_minute is not None:
            fresh = _throttler(self._per_minute * least)
            now = self._requests
            now.rate_limit, now.period = fresh.rate_limit, fresh.period
            now.retry_interval = fresh.retry_interval
        if self._tokens is not None:
            self._tokens.scale(least)

    @property
    def is_set(self) -> bool:
        return self._requests is not None or self._tokens is not None

    async def admit(self, tokens: int) -> None:
        """Wait until a request of this many tokens may start."""
        if self._requests is not None:
            await self._requests.acquire()  # type: ignore[no-untyped-call]
        if self._tokens is None:
            return
        now = asyncio.get_running_loop().time()
        wait_s = self._tokens.wait_s(now)
        self._tokens.take(tokens, now)
        if wait_s <= 0:
            return
        try:
            await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            self._tokens.give_back(tokens)
            raise

    @asynccontextmanager
    async def admitted(self, tokens: int) -> AsyncIterator[None]:
        """The same; they are given back where what follows fails."""
        await self.admit(tokens)
        try:
            yield
        except BaseException:
            self.give_back(tokens)
            raise

    async def try_admit(self, tokens: int) -> bool:
        """Admit at once, or take nothing."""
        if self._tokens and self._tokens.wait_s(asyncio.get_running_loop().time()) > 0:
            return False
        try:
            async with asyncio.timeout(0):
                await self.admit(tokens)
        except TimeoutError:
            return False
        return True

    def give_back(self, tokens: int) -> None:
        if self._tokens is not None:
            self._tokens.give_back(tokens)


class TokenBucket:
    """Tokens a minute, by virtual scheduling: a debt is paid off before the next call starts.

    Time is monotonic seconds, given by the caller.
    """

    def __init__(self, per_minute: float) -> None:
        self._whole = self._per_second = per_minute / 60.0
        self._free_at = 0.0
        """When everything that was admitted so far is paid for."""

    def scale(self, share: float) -> None:
        """From now on this share of the tokens a minute."""
        self._per_second = self._whole * share

    def wait_s(self, now: float) -> float:
        """Until the next call may start, whatever its size."""
        return max(0.0, self._free_at - now - _TOKEN_BURST_S)

    def take(self, tokens: int, now: float) -> None:
        self._free_at = max(self._free_at, now) + tokens / self._per_second

    def give_back(self, tokens: int) -> None:
        """A reply used fewer tokens than were taken for it (or more, if negative)."""
        self._free_at -= tokens / self._per_second


def _throttler(per_minute: float) -> Throttler:
    """Short periods spread the requests; a whole second's worth at once would be a burst."""
    per_second = per_minute / 60.0
    at_once = max(1, math.ceil(per_second * _SHORTEST_PERIOD_S))
    period_s = at_once / per_second
    poll_s = min(max(period_s / 100, _SHORTEST_POLL_S), _LONGEST_POLL_S)
    return Throttler(rate_limit=at_once, period=period_s, retry_interval=poll_s)
