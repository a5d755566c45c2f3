"""When an attempt is repeated, and after how long."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from judgeforge.config import LimitsConfig
from judgeforge.errors import CallError, StatusError

T = TypeVar("T")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 120.0
"""A server may ask for any pause; longer ones are cut to this."""

_backoff = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, CallError) and error.retryable


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else full jitter (AWS, "Exponential Backoff And Jitter")."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, StatusError) and error.retry_after_s is not None:
        return min(error.retry_after_s, LONGEST_RETRY_AFTER_S) + 0.1 * _backoff(state)
    return _backoff(state)


async def with_retries(attempt: Callable[[], Awaitable[T]], limits: LimitsConfig) -> T:
    """Limited by attempts and by total time; the last error is raised as it is.

    Most calls need one attempt, so tenacity's loop (50 us a call) begins with the first failure.
    """
    start = time.monotonic()
    try:
        return await attempt()
    except CallError as error:
        if not error.retryable:
            raise
        failed: CallError | None = error
    already_s = time.monotonic() - start

    async def failed_once() -> T:
        nonlocal failed
        if failed is None:
            return await attempt()
        error, failed = failed, None
        raise error

    return await _loop(limits, already_s)(failed_once)


def _loop(limits: LimitsConfig, already_s: float) -> AsyncRetrying:
    return AsyncRetrying(
        retry=retry_if_exception(_is_retryable),
        wait=_wait,
        stop=stop_after_attempt(limits.max_attempts)
        | stop_before_delay(limits.max_retry_s - already_s),
        reraise=True,
    )
