"""Checks of a text as people read it: what it says, how long it is, its lists, its reference.

All but regular expressions ignore case, and white space around the text. List items are those of
Markdown, at any depth, outside fenced code. No comparison with the row's reference minds the amount
of white space.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from judgeforge.judging.checks.subject import Span, Subject, UndecidedCheckError
from judgeforge.judging.checks.subject import text as text_argument

if TYPE_CHECKING:
    import regex


LONGEST_PATTERN = 1000
PATTERN_TIMEOUT_S = 0.25
"""A sound pattern needs microseconds; one that backtracks without end is stopped here."""

_LIST_MARKER = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_BREAK = re.compile(r"\n[ \t]*\n")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”\u2019»)\]*_]*(?=\s|$)|[。\uff01\uff1f]+")
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|[Ee]\.g|[Ii]\.e|approx)\.$")

_NUMBERED = re.compile(r"^[ \t]*(?:\*\*)?\d{1,3}[.)][ \t]*(?:\*\*)?[ \t]*\S", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*+•\u2013][ \t]+\S", re.MULTILINE)
_DECIMAL = re.compile(r"^[ \t]*\d{1,3}\.\d")
_FENCED = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)


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


def count_words(text: str) -> int:
    """Runs between white space that hold a letter or a digit.

    A language written without spaces has no words in this sense: limit its characters instead.
    """
    return sum(any(c.isalnum() for c in run) for run in text.split())


def count_sentences(text: str) -> int:
    """Parts that hold a letter or a digit, ended by . ! ? …, their CJK forms, or a list item's or
    paragraph's end. A few abbreviations (Dr., e.g.) and initials end none; others do, wrongly.
    """
    return sum(_sentences_in(part) for part in _BREAK.split(_LIST_MARKER.sub("\n\n", text)))


def count_paragraphs(text: str) -> int:
    return sum(bool(part.strip()) for part in _BREAK.split(text))


def max_words(subject: Subject, most: int) -> bool:
    return count_words(subject.text) <= most


def min_words(subject: Subject, least: int) -> bool:
    return count_words(subject.text) >= least


def max_chars(subject: Subject, most: int) -> bool:
    return len(subject.text.strip()) <= most


def min_chars(subject: Subject, least: int) -> bool:
    return len(subject.text.strip()) >= least


def max_sentences(subject: Subject, most: int) -> bool:
    return count_sentences(subject.text) <= most


def min_sentences(subject: Subject, least: int) -> bool:
    return count_sentences(subject.text) >= least


def max_paragraphs(subject: Subject, most: int) -> bool:
    return count_paragraphs(subject.text) <= most


def list_items(subject: Subject, wanted: Span) -> bool:
    """Bullets and numbered items together."""
    return wanted.holds(_numbered(subject.text) + _bullets(subject.text))


def numbered_items(subject: Subject, wanted: Span) -> bool:
    return wanted.holds(_numbered(subject.text))


def bullet_items(subject: Subject, wanted: Span) -> bool:
    return wanted.holds(_bullets(subject.text))


def equals_reference(subject: Subject, _: bool) -> bool:
    return _folded(subject.text) == _reference(subject)


def contains_reference(subject: Subject, _: bool) -> bool:
    return _reference(subject) in _folded(subject.text)


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


def _sentences_in(paragraph: str) -> int:
    count, start = 0, 0
    for end in _SENTENCE_END.finditer(paragraph):
        sentence = paragraph[start : end.end()]
        if end.group() == "." and _ABBREVIATION.search(sentence[-12:]):
            continue
        count += _says_something(sentence)
        start = end.end()
    return count + _says_something(paragraph[start:])


def _says_something(part: str) -> bool:
    return any(c.isalnum() for c in part)


def _numbered(text: str) -> int:
    lines = _FENCED.sub("", text).splitlines()
    return sum(bool(_NUMBERED.match(line)) and not _DECIMAL.match(line) for line in lines)


def _bullets(text: str) -> int:
    return len(_BULLET.findall(_FENCED.sub("", text)))


def _reference(subject: Subject) -> str:
    if subject.reference is None:
        raise UndecidedCheckError("the row has no `reference`")
    return _folded(subject.reference)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
