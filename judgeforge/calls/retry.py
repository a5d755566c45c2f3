"""When an attempt is repeated, and after how long."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_random_exponential,
)

from judgeforge.calls.limits import pace
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, StatusError

T = TypeVar("T")


@dataclass(slots=True)
class RetryClock:
    """What does not count against the limits of retrying."""

    waited_s: float = 0.0
    """At the gate: a queue is no failure."""
    refused: int = 0
    """Attempts that came too soon (429): they say nothing about the next one."""


FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
REFUSED_STALLS = 1.5
"""A model that refuses everything (429) stops the run before a single call is given up for it."""

_backoff = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, CallError) and error.retryable


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else full jitter (AWS, "Exponential Backoff And Jitter")."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, StatusError) and error.retry_after_s is not None:
        return min(error.retry_after_s, pace.LONGEST_RETRY_AFTER_S) + 0.1 * _backoff(state)
    return _backoff(state)


async def with_retries(
    attempt: Callable[[], Awaitable[T]],
    limits: LimitsConfig,
    clock: RetryClock,
    *,
    is_wanted: Callable[[], bool],
) -> T:
    """Limited by attempts and by total time; the last error is raised as it is.

    Nothing is tried again that is not ``is_wanted`` any more.
    Most calls need one attempt, so tenacity's loop (50 us a call) begins with the first failure.
    """
    start = time.monotonic()
    try:
        return await attempt()
    except CallError as error:
        if not error.retryable or not is_wanted():
            raise
        failed: CallError | None = error

    async def failed_once() -> T:
        nonlocal failed
        if failed is None:
            return await attempt()
        error, failed = failed, None
        raise error

    def is_enough(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        longest_s = limits.max_retry_s
        if isinstance(error, StatusError) and error.status == 429:
            clock.refused += 1
            longest_s = max(longest_s, REFUSED_STALLS * limits.stall_s)
        spent_s = time.monotonic() - start - clock.waited_s
        return (
            not is_wanted()
            or state.attempt_number - clock.refused >= limits.max_attempts
            or spent_s + state.upcoming_sleep >= longest_s
        )

    loop = AsyncRetrying(
        retry=retry_if_exception(_is_retryable), wait=_wait, stop=is_enough, reraise=True
    )
    return await loop(failed_once)
