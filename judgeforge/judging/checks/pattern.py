"""Regular expressions of rubrics and rows: how large they may be, and how long they may search."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.judging.checks.subject import text as text_argument
from judgeforge.text.patterns import late_pattern
from judgeforge.text.visible import normalized

if TYPE_CHECKING:
    import regex

LONGEST_PATTERN = 1000
"""Characters."""
LARGEST_PATTERN = 10_000
"""Parts that are left once ``{n}`` is written out, which is what compiling does: 3 MB."""
PATTERN_TIMEOUT_S = 0.25
"""A sound pattern needs microseconds; one that backtracks without end is stopped here."""

_ESCAPE = late_pattern(r"\\.", re.DOTALL)
_COUNT = late_pattern(r"\{\s*(\d[\d\s]*)")
_PART = late_pattern(r"\{\s*(?P<count>\d[\d\s]*)[^}]*\}|(?P<bracket>[()])|.", re.DOTALL)
_UNCLEAR = late_pattern(r"\[[^\]]*[()]|V1|#")
"""Brackets in a set, sets in sets, and comments: what looks like a group may not be one."""
_COMMENT_IN_COUNT = late_pattern(r"\{[\d\s,]*#[^\n]*\n")


def pattern(value: JsonValue) -> regex.Pattern[str]:
    """Read a regular expression. Raises ValueError where it does not compile or is too large."""
    source = normalized("NFC", text_argument(value))
    if len(source) > LONGEST_PATTERN:
        raise ValueError(f"must be a pattern of at most {LONGEST_PATTERN} characters")
    if _written_out(source) > LARGEST_PATTERN:
        raise ValueError(
            f"repeats too much: with each `{{n}}` written out it may have {LARGEST_PATTERN} parts; "
            "take smaller counts, or `*` and `+`"
        )
    return _compiled(source)


def matches(subject: Subject, wanted: regex.Pattern[str]) -> bool:
    """The pattern is found anywhere in the text, as it is or with its accents composed (NFC)."""
    forms = dict.fromkeys((subject.text, normalized("NFC", subject.text)))
    return any(_found(text, wanted) for text in forms)


def _found(text: str, wanted: regex.Pattern[str]) -> bool:
    try:
        # Other threads go on meanwhile.
        found = wanted.search(text, timeout=PATTERN_TIMEOUT_S, concurrent=True)
    except TimeoutError:
        raise UndecidedCheckError(
            f"the pattern {wanted.pattern!r} took longer than {PATTERN_TIMEOUT_S} s; "
            "make it simpler (no repeats inside repeats)"
        ) from None
    except MemoryError:
        raise UndecidedCheckError(f"the pattern {wanted.pattern!r} took too much memory") from None
    return found is not None


def _written_out(source: str) -> int:
    """At least as many parts as the pattern has with its least repeats written out.

    Where it is unclear what a repeat repeats, each repeats the whole.
    """
    plain = _ESCAPE.sub("x", source)
    if _COMMENT_IN_COUNT.search(plain):
        return LARGEST_PATTERN + 1
    if not _UNCLEAR.search(plain):
        return _nested_size(plain)
    size = len(plain)
    for count in _COUNT.findall(plain):
        size *= _number(count)
    return size


def _nested_size(plain: str) -> int:
    """By the nesting of groups; an unmatched bracket is left for the compiler to refuse."""
    size, last = 0, 0
    outer: list[int] = []
    for part in _PART.finditer(plain):
        if part["count"] is not None:
            size += last * (_number(part["count"]) - 1)
            last *= _number(part["count"])
        elif part["bracket"] == "(":
            outer.append(size)
            size, last = 0, 0
        elif part["bracket"] == ")" and outer:
            last = size + 1
            size = outer.pop() + last
        else:
            size, last = size + 1, 1
    return size + sum(outer)


def _number(digits: str) -> int:
    """Numbers so long that reading them takes long are cut: they are too large in any case."""
    return max(1, int("".join(digits.split())[:20]))


@lru_cache(maxsize=64)
def _compiled(source: str) -> regex.Pattern[str]:
    import regex

    try:
        return regex.compile(source, cache_pattern=False)
    except regex.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    except (RecursionError, MemoryError):
        raise ValueError("is nested too deeply, or too large") from None
