"""When an attempt is repeated, and after how long."""

from __future__ import annotations

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


def retrying(limits: LimitsConfig) -> AsyncRetrying:
    """Limited by attempts and by total time; the last error is raised as it is."""
    return AsyncRetrying(
        retry=retry_if_exception(_is_retryable),
        wait=_wait,
        stop=stop_after_attempt(limits.max_attempts) | stop_before_delay(limits.max_retry_s),
        reraise=True,
    )
