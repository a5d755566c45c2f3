"""What the headers of a reply say about rate limits, for both APIs.

OpenAI and what speaks its API: ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``, resets
as durations (``1m2.5s``, ``20ms``). Anthropic: ``anthropic-ratelimit-{requests,tokens,input-tokens,
output-tokens}-{limit,remaining,reset}``, resets as times of day (RFC 3339, whole seconds).
A header that cannot be read, or is longer than any of these, counts as absent: a provider's mistake
must not stop a run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from judgeforge.calls.limits.traffic import AllowanceKind

TIME_OF_DAY_GRAIN_S = 1.0
"""Times in whole seconds may be rounded down, so that a reset may come this much later."""
LONGEST_VALUE = 64
"""Characters. A server may send kilobytes, which would take seconds to read."""
_KINDS: tuple[AllowanceKind, ...] = get_args(AllowanceKind)
_NAMES = tuple(
    (
        kind,
        (f"x-ratelimit-limit-{kind}", f"anthropic-ratelimit-{kind}-limit"),
        (f"x-ratelimit-remaining-{kind}", f"anthropic-ratelimit-{kind}-remaining"),
        (f"x-ratelimit-reset-{kind}", f"anthropic-ratelimit-{kind}-reset"),
    )
    for kind in _KINDS
)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_UNIT_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a provider still admits of one kind at the time of a reply."""

    kind: AllowanceKind
    remaining: float
    limit: float | None = None
    """In the provider's period, mostly a minute; None where it does not say."""
    reset_s: float | None = None
    """Seconds from sending the request until the allowance is whole again."""


def read_allowances(headers: Mapping[str, str], *, unix_time: float) -> tuple[Allowance, ...]:
    """``unix_time``: when the request was sent; resets count from then."""
    if not headers:
        return ()
    return tuple(found for names in _NAMES if (found := _read(headers, names, unix_time)))


def _read(
    headers: Mapping[str, str],
    names: tuple[AllowanceKind, tuple[str, str], tuple[str, str], tuple[str, str]],
    unix_time: float,
) -> Allowance | None:
    kind, limit, remaining, reset = names
    left = _amount(_first(headers, remaining))
    if left is None:
        return None
    whole = _amount(_first(headers, limit))
    return Allowance(kind, left, whole or None, _seconds_until(_first(headers, reset), unix_time))


def _first(headers: Mapping[str, str], names: tuple[str, str]) -> str | None:
    value = headers.get(names[0])
    value = headers.get(names[1]) if value is None else value
    return value if value and len(value) <= LONGEST_VALUE and value.isascii() else None


def _amount(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def _seconds_until(text: str | None, unix_time: float) -> float | None:
    """From a duration, a plain number of seconds or a time of day."""
    if text is None:
        return None
    seconds = _amount(text)
    if seconds is not None:
        return seconds
    parts = _DURATION_PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _UNIT_S[unit] for number, unit in parts)
    try:
        at = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, at + TIME_OF_DAY_GRAIN_S - unix_time)
