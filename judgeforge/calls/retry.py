"""When an attempt is repeated, and after how long: tenacity decides and waits."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from judgeforge.calls.call import Call
from judgeforge.calls.limits import pace
from judgeforge.calls.limits.breaker import DENIED_STATUS
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.replicas import Replicas
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import (
    PAGE_STATUS,
    BrokenReplyError,
    CallError,
    FlaggedInputError,
    StalledError,
    StatusError,
)

T = TypeVar("T")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
_NOT_READY = 503
MOST_BROKEN = 3
"""Replies to one call that its server broke off: each is paid for."""
REPEATED_BESIDE_ANSWERS = 2
"""After the first, where the model answers others. A server that fails now and then says the same
each time: of calls of which it fails one in five, one in 25 would be lost by a single repetition.
"""
REFUSED_STALLS = 1.5
"""A model that refuses everything (429) stops the run before a single call is given up for it."""


_OF_ONE_REQUEST = re.compile(r"\S*\d\S*")
"""Ids, times and numbers that servers name in what they say of a failure."""


@dataclass(slots=True)
class RetryClock:
    """What does not count against the limits of retrying."""

    longest_s: float = math.inf
    """What one attempt may take."""
    waited_s: float = 0.0
    """At the gate, since a queue is not a failure, and while the process stood still."""
    refused: int = 0
    """Attempts that came too soon (429, or while the server loads its model): they say nothing
    about the next one."""
    broken: int = 0
    """Replies that the server broke off."""

    def count(self, error: CallError, call: Call, answered: Iterable[Call]) -> None:
        """A server says 503 to all until it has loaded, and ``answered`` one."""
        if isinstance(error, StatusError) and error.status == _NOT_READY:
            self.refused += all(one.model_name != call.model_name for one in answered)


class RepeatedFailure:
    """Of one call: a server error (500), or a web page, of the same words again and again is its
    answer, not an accident.

    Unless the server may be down as a whole: it must have answered another request in between, or
    none ever.
    """

    def __init__(self) -> None:
        self._said = ""
        self._answers = 0
        self._repeated = 0

    def look(self, error: CallError, answers: int, *, has_substitute: bool) -> None:
        """Make ``error`` final where it is. ``answers``: how often the model has answered so far;
        ``has_substitute``: another can answer for a model that is down, so it is left to that.
        """
        if not isinstance(error, StatusError) or error.status not in {PAGE_STATUS, 500}:
            return
        is_up = answers > self._answers or (answers == 0 and not has_substitute)
        said = _OF_ONE_REQUEST.sub("", str(error))
        if said != self._said:
            self._repeated = 0
        elif is_up:
            self._repeated += 1
            if self._repeated >= (REPEATED_BESIDE_ANSWERS if answers else 1):
                error.retryable = False
        self._said, self._answers = said, answers


class Tried:
    """The replicas that one attempt of a call was sent to, and how it ended at each.

    Where a server of several fails or refuses, the next one is asked at once: it may be the only
    one that does. What all of them say is what the attempt brought.
    """

    def __init__(self, replicas: Replicas) -> None:
        self._replicas = replicas
        self._errors: dict[ModelGate, CallError] = {}

    @property
    def gates(self) -> Collection[ModelGate]:
        return self._errors.keys()

    def failed(self, gate: ModelGate, error: CallError) -> bool:
        """Whether another is to be asked. What a filter flagged is flagged everywhere, and may be
        billed each time."""
        self._errors[gate] = error
        may_differ = error.retryable or isinstance(error, StatusError)
        if isinstance(error, FlaggedInputError) or not may_differ:
            return False
        return self._replicas.are_several and self._replicas.has_other_than(self.gates)

    @property
    def error(self) -> CallError:
        """Of all that came, one after which another attempt may help, if there is any."""
        *_, last = self._errors.values()
        found = next((one for one in self._errors.values() if one.retryable), last)
        if isinstance(found, StatusError) and found.status in DENIED_STATUS:
            # Others that are out of order just now may take it.
            found.retryable = len(self._errors) < len(self._replicas.gates)
        return found


async def with_retries(
    attempt: Callable[[], Awaitable[T]],
    limits: LimitsConfig,
    clock: RetryClock,
    *,
    is_wanted: Callable[[], bool],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Limited by attempts and by total time; the last error is raised as it is.

    Nothing is tried again that is not ``is_wanted`` any more. Most calls need one attempt, which is
    spared tenacity's loop (25 us): that begins with an attempt that has failed already.
    """
    now = asyncio.get_running_loop().time
    start = now()

    async def timed() -> T:
        begun = now() - clock.waited_s
        try:
            return await attempt()
        except CallError:
            clock.waited_s += max(0.0, now() - clock.waited_s - begun - clock.longest_s)
            raise

    try:
        return await timed()
    except CallError as error:
        first_failure = error

    def is_enough(state: RetryCallState) -> bool:
        error = _error_of(state)
        longest_s = limits.max_retry_s
        if isinstance(error, StatusError) and error.status == 429:
            clock.refused += 1
            longest_s = max(longest_s, REFUSED_STALLS * limits.stall_s)
        clock.broken += isinstance(error, BrokenReplyError)
        spent_s = now() - start - clock.waited_s
        return (
            not is_wanted()
            or clock.broken >= MOST_BROKEN
            or state.attempt_number - clock.refused >= limits.max_attempts
            or spent_s + state.upcoming_sleep >= longest_s
        )

    async for each in AsyncRetrying(
        sleep=pause, retry=_retryable, wait=_wait, stop=is_enough, reraise=True
    ):
        with each:
            if each.retry_state.attempt_number == 1:
                raise first_failure
            return await timed()
    raise AssertionError("a reply or an error ends the attempts")


async def persistently(step: Callable[[], Awaitable[T]], limits: LimitsConfig, doing: str) -> T:
    """Repeat a step that buys nothing until it succeeds, or fails for good.

    ``doing``: what it is for, in words. Raises StalledError after ``limits.stall_s`` of failures.
    """
    try:
        async for each in AsyncRetrying(
            retry=_retryable, wait=_wait, stop=stop_after_delay(limits.stall_s), reraise=True
        ):
            with each:
                return await step()
    except CallError as error:
        if not error.retryable:
            raise
        raise StalledError(
            f"{doing} has failed for limits.stall_s = {limits.stall_s:g} s; last: {error}. Start "
            "the same command again: nothing that was paid is lost.",
            model=error.model,
        ) from error
    raise AssertionError("a result or an error ends the attempts")


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else full jitter (AWS, "Exponential Backoff And Jitter")."""
    error = _error_of(state)
    if isinstance(error, StatusError) and error.retry_after_s is not None:
        return min(error.retry_after_s, pace.LONGEST_RETRY_AFTER_S) + 0.1 * _backoff(state)
    return _backoff(state)


_backoff = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)
_retryable = retry_if_exception(lambda error: isinstance(error, CallError) and error.retryable)
