"""Circuit breaker: after repeated failures nothing is sent but a probe now and then.

Closed (all is sent) -> open (nothing is) -> half-open (one probe) -> closed, or open for twice as
long (Nygard, "Release It!"). What the end of an attempt says of its model stands here too: that it
is there, overloaded, or refuses.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum

from judgeforge.calls.limits.learned_rate import LearnedKind
from judgeforge.errors import (
    PAGE_STATUS,
    CallError,
    CircuitOpenError,
    FlaggedInputError,
    NoReplyError,
    StatusError,
)
from judgeforge.text.patterns import late_pattern

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class CircuitBreaker:
    """Time is monotonic seconds, given by the caller. ``longest_s``: what one attempt may take."""

    def __init__(self, failures_to_open: int, longest_s: float = math.inf) -> None:
        self._failures_to_open, self._longest_s = failures_to_open, longest_s
        self._failures = 0
        self._pause_s = FIRST_PAUSE_S
        self._probe_at: float | None = None
        """None while closed."""
        self._probing = False
        self._failed_at = 0.0
        self.out_s = 0.0
        """For how long probes have failed, up to the last one. Between two of them no more counts
        than a probe and its pause may take: the process may have stood still."""
        self.last_failure = ""

    @property
    def is_open(self) -> bool:
        return self._probe_at is not None

    def wait_s(self, now: float) -> float:
        """0 where a request may be sent; infinity while a probe is under way."""
        if self._probe_at is None:
            return 0.0
        return math.inf if self._probing else max(0.0, self._probe_at - now)

    def sent(self) -> bool:
        """Returns whether this request is the probe."""
        self._probing = self.is_open
        return self._probing

    def succeeded(self) -> bool:
        """Any answer closes it. Returns whether it was open."""
        was_open = self.is_open
        self._failures, self._pause_s = 0, FIRST_PAUSE_S
        self._probe_at = None
        self._probing = False
        return was_open

    def failed(self, now: float, why: str, *, is_probe: bool) -> bool:
        """Returns whether this opened it. Late failures of earlier requests change nothing."""
        self._failures += 1
        self.last_failure = why
        if is_probe and self.is_open:
            self._probing = False
            self.out_s += min(now - self._failed_at, 2 * self._pause_s + self._longest_s)
            self._failed_at = now
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._probe_at = now + self._pause_s
            return False
        if self.is_open or self._failures < self._failures_to_open:
            return False
        self._failed_at, self.out_s, self._probe_at = now, 0.0, now + self._pause_s
        return True

    def probe_abandoned(self) -> None:
        """The probe told nothing (it was cancelled); the next request is one."""
        self._probing = False


_OVERLOADED_STATUS = frozenset({408, 498, 499, 503, 529})
DENIED_STATUS = frozenset({401, 403, 404, 405})
"""Of access, to a server or to the model: one replica may deny what others grant."""
_LONGEST_REASON = 1000
"""Characters of what a server says that are looked through."""
_OF_TOKENS = late_pattern(r"\btokens?\b|\b[ti]?tpm\b", re.IGNORECASE)
_OF_ACCOUNT = late_pattern(
    r"\b(account|organi[sz]ation|workspace|project|api key)\b", re.IGNORECASE
)
_OF_ONE_MODEL = late_pattern(r"\b(for|of) (model )?`?[\w.:/-]*\d[\w.:/-]*`? ", re.IGNORECASE)
"""``Rate limit reached for gpt-5.4-mini in organization …`` is about that model."""


class Outcome(Enum):
    ANSWERED = "answered"
    """Also where it says that this very request is wrong: it is there and takes requests."""
    REFUSED = "refused"
    """Too much was sent in too short a time (429)."""
    OVERLOADED = "overloaded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a reply of status 429 says."""

    retry_after_s: float | None = None
    kind: LearnedKind = "requests"
    of_account: bool = False
    """It speaks of the account as a whole, not of this model."""


def outcome_of(error: CallError | None, *, is_replica: bool = False) -> Outcome:
    """``error``: None where the attempt brought a reply. ``is_replica``: others serve the same
    model, so where this one denies access, to all of it or to the model, it is out of order."""
    if error is None or isinstance(error, FlaggedInputError):
        return Outcome.ANSWERED
    if isinstance(error, StatusError):
        if error.status == 429:
            return Outcome.REFUSED if error.retryable else Outcome.ANSWERED
        if error.status in _OVERLOADED_STATUS:
            return Outcome.OVERLOADED
        denies = is_replica and error.status in DENIED_STATUS
        is_down = (error.status >= 500 and error.retryable) or error.status == PAGE_STATUS
        return Outcome.FAILED if is_down or denies else Outcome.ANSWERED
    return Outcome.OVERLOADED if isinstance(error, NoReplyError) else Outcome.FAILED


def refusal_of(error: StatusError, model: str) -> Refusal:
    """``model``: the provider's name of it."""
    said = str(error).split(": ", 1)[-1][:_LONGEST_REASON]  # after "HTTP 429 from MODEL"
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    names_model = named is not None or _OF_ONE_MODEL.search(said) is not None
    return Refusal(
        retry_after_s=error.retry_after_s,
        kind="tokens" if _OF_TOKENS.search(said) else "requests",
        of_account=not names_model and _OF_ACCOUNT.search(said) is not None,
    )


def out_for_too_long(model: str, seconds: float, last_failure: str) -> CircuitOpenError:
    """What ends the run whose ``model`` has been out of order for more than `limits.stall_s`."""
    why = (
        f"circuit open: model `{model}` has been out of order for {seconds:.0f} s, longer than "
        f"limits.stall_s. Last: {last_failure} "
        "Start the same command again once it is back: nothing that was paid is lost."
    )
    return CircuitOpenError(why, model=model, stops_run=True)
