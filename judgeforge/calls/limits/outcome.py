"""What the end of an attempt says about its model: is it there, overloaded, does it refuse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from judgeforge.calls.limits.learned_rate import LearnedKind
from judgeforge.errors import CallError, NoReplyError, StatusError

_OVERLOADED_STATUS = frozenset({408, 503, 529})
_LONGEST_REASON = 1000
"""Characters of what a server says that are looked through."""
_OF_TOKENS = re.compile(r"\btokens?\b|\b[ti]?tpm\b", re.IGNORECASE)
_OF_ACCOUNT = re.compile(r"\b(account|organi[sz]ation|workspace|project|api key)\b", re.IGNORECASE)
_OF_ONE_MODEL = re.compile(r"\b(for|of) (model )?`?[\w.:/-]*\d[\w.:/-]*`? ", re.IGNORECASE)
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


def outcome_of(error: CallError | None) -> Outcome:
    """``error``: None where the attempt brought a reply."""
    if error is None:
        return Outcome.ANSWERED
    if isinstance(error, StatusError):
        if error.status == 429:
            return Outcome.REFUSED if error.retryable else Outcome.ANSWERED
        if error.status in _OVERLOADED_STATUS:
            return Outcome.OVERLOADED
        return Outcome.FAILED if error.status >= 500 else Outcome.ANSWERED
    return Outcome.OVERLOADED if isinstance(error, NoReplyError) else Outcome.FAILED


def refusal_of(error: StatusError, model: str) -> Refusal:
    """``model``: the provider's name of it."""
    said = str(error).split(": ", 1)[-1][:_LONGEST_REASON]  # behind "HTTP 429 from MODEL"
    named = re.search(rf"(?<![\w.-]){re.escape(model)}(?![\w-])", said)
    names_model = named is not None or _OF_ONE_MODEL.search(said) is not None
    return Refusal(
        retry_after_s=error.retry_after_s,
        kind="tokens" if _OF_TOKENS.search(said) else "requests",
        of_account=not names_model and _OF_ACCOUNT.search(said) is not None,
    )
