"""A second, equal request for a reply that is late; the first reply wins (Dean and Barroso, "The
Tail at Scale", 2013). Both are paid."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")

QUANTILE = 0.95
_REMEMBERED, _LEAST, _RENEWED_AFTER = 200, 20, 20
_PARTS = (0.9, 0.1)
"""Of the wait: what came while the process stood still in the first is heard in the second."""


class HedgeTimer:
    """After how long one model's replies count as late."""

    def __init__(self, after: Literal["p95"] | float | None) -> None:
        self._after = after
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self._quantile: float | None = None
        self._new = 0

    @property
    def after_s(self) -> float | None:
        """None: no hedge (it is off, or too few replies have come to tell)."""
        return self._quantile if self._after == "p95" else self._after

    def replied(self, latency_s: float) -> None:
        if self._after != "p95":
            return
        self._latencies.append(latency_s)
        self._new += 1
        if len(self._latencies) >= _LEAST and (
            self._quantile is None or self._new >= _RENEWED_AFTER
        ):
            self._new = 0
            ordered = sorted(self._latencies)
            self._quantile = ordered[int(QUANTILE * (len(ordered) - 1))]


async def race(
    first: Coroutine[Any, Any, T],
    second: Callable[[], Awaitable[Coroutine[Any, Any, T] | None]],
    *,
    after_s: float,
    keep: Callable[[asyncio.Task[T]], None],
) -> T:
    """The first reply of ``first`` and, begun ``after_s`` later, what ``second`` returns.

    That is None while there is no room for it; then it is called again after as long. The slower
    one is handed to ``keep`` and runs on: it is paid for, and only its end tells how much. Where
    both fail, the error of the first is raised.
    """
    tasks: list[asyncio.Task[T]] = [asyncio.create_task(first)]
    try:
        while len(tasks) == 1:
            for part in _PARTS:
                done, _ = await asyncio.wait(tasks, timeout=part * after_s)
                if done:
                    return await tasks[0]
            hedge = await second()
            if hedge is not None:
                tasks.append(asyncio.create_task(hedge))
        return await _first_success(tasks, keep)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
    except Exception:
        for task in tasks:
            keep(task)
        raise


async def _first_success(
    tasks: list[asyncio.Task[T]], keep: Callable[[asyncio.Task[T]], None]
) -> T:
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                for other in pending:
                    keep(other)
                return await task
    return await tasks[0]
