"""What a text says: substrings, words, beginnings and ends, regular expressions.

All but regular expressions ignore case and white space around the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from judgeforge.checks.arguments import text as text_argument
from judgeforge.checks.subject import Subject, UndecidedCheckError

if TYPE_CHECKING:
    import regex

LONGEST_PATTERN = 1000
PATTERN_TIMEOUT_S = 0.25
"""A sound pattern needs microseconds; one that backtracks without end is stopped here."""


def contains(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """Every wanted text occurs, also inside a word (`light` in `delight`)."""
    text = subject.text.casefold()
    return all(part in text for part in wanted)


def contains_any(subject: Subject, wanted: tuple[str, ...]) -> bool:
    text = subject.text.casefold()
    return any(part in text for part in wanted)


def not_contains(subject: Subject, banned: tuple[str, ...]) -> bool:
    return not contains_any(subject, banned)


def contains_word(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """Every wanted text occurs with no letter or digit right before or after it."""
    text = subject.text.casefold()
    return all(_has_word(text, word) for word in wanted)


def not_contains_word(subject: Subject, banned: tuple[str, ...]) -> bool:
    text = subject.text.casefold()
    return not any(_has_word(text, word) for word in banned)


def starts_with(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """The text starts with one of the wanted texts."""
    return subject.text.strip().casefold().startswith(wanted)


def ends_with(subject: Subject, wanted: tuple[str, ...]) -> bool:
    return subject.text.strip().casefold().endswith(wanted)


def pattern(value: JsonValue) -> regex.Pattern[str]:
    """Read a regular expression. Raises ValueError where it does not compile."""
    source = text_argument(value)
    if len(source) > LONGEST_PATTERN:
        raise ValueError(f"must be a pattern of at most {LONGEST_PATTERN} characters")
    return _compiled(source)


def matches(subject: Subject, wanted: regex.Pattern[str]) -> bool:
    """The pattern is found anywhere in the text."""
    try:
        return wanted.search(subject.text, timeout=PATTERN_TIMEOUT_S) is not None
    except TimeoutError:
        raise UndecidedCheckError(
            f"the pattern {wanted.pattern!r} took longer than {PATTERN_TIMEOUT_S} s; "
            "make it simpler (no repeats inside repeats)"
        ) from None


def not_matches(subject: Subject, banned: regex.Pattern[str]) -> bool:
    return not matches(subject, banned)


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text) is not None


@lru_cache(maxsize=256)
def _compiled(source: str) -> regex.Pattern[str]:
    import regex

    try:
        return regex.compile(source)
    except regex.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    except RecursionError:
        raise ValueError("is nested too deeply") from None
