"""Checks of a text as people read it: what it says, how long it is, its lists, its reference.

All ignore case and white space around the text, how accents are encoded, and whether quotes,
hyphens and blanks are typographic (but for wanted texts that are only such signs). Each takes time
that grows with the text only, whatever the text repeats. List items are those of Markdown, at any
depth, outside fenced code. Comparisons with the row's reference ignore the amount of white space
too.
"""

from __future__ import annotations

import re
import unicodedata

from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.judging.checks.usual_forms import folded, in_lines
from judgeforge.text.patterns import late_pattern
from judgeforge.text.visible import normalized


def contains(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """Every wanted text occurs, also inside a word (`light` in `delight`)."""
    return all(map(subject.holds, wanted))


def contains_any(subject: Subject, wanted: tuple[str, ...]) -> bool:
    return any(map(subject.holds, wanted))


def contains_word(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """Every wanted text occurs with no letter or digit right before or after it."""
    return all(_words_found(subject, wanted))


def contains_any_word(subject: Subject, wanted: tuple[str, ...]) -> bool:
    return any(_words_found(subject, wanted))


def starts_with(subject: Subject, wanted: tuple[str, ...]) -> bool:
    """The text starts with one of the wanted texts."""
    return any(subject.comparable(each).strip().startswith(each) for each in wanted)


def ends_with(subject: Subject, wanted: tuple[str, ...]) -> bool:
    return any(subject.comparable(each).strip().endswith(each) for each in wanted)


_EDGE = "\x00"


def _words_found(subject: Subject, wanted: tuple[str, ...]) -> list[bool]:
    marked = {form: _with_marked_edges(form) for form in set(map(subject.comparable, wanted))}
    return [_with_marked_edges(word) in marked[subject.comparable(word)] for word in wanted]


def _with_marked_edges(text: str) -> str:
    """With a mark on both sides of all that is not a letter or digit, and around the whole.

    A word with its marks is then a plain substring, which is found in time that grows with the
    text only; a pattern would compare a long word again in each place.
    """
    marked = {ord(sign): f"{_EDGE}{sign}{_EDGE}" for sign in set(text) if not _in_a_word(sign)}
    return _EDGE + text.translate(marked) + _EDGE


def _in_a_word(sign: str) -> bool:
    """Vowels of many scripts are marks on the letter before them."""
    return sign.isalnum() or unicodedata.category(sign).startswith("M")


_BULLETS = "-*+\u2022\u2023\u25e6\u25aa\u25cf\u25cb\u25a0\u2043\u00b7"
_NAKAGURO = "\u30fb(?!\u30fb)"
"""A bullet of Japanese, without a blank after it; several are dots."""
_BLANK = "[ \t\u00a0\u202f\u3000]"
_LIST_MARKER = late_pattern(
    rf"^{_BLANK}*(?:(?:[{_BULLETS}]|\d{{1,3}}[.)]){_BLANK}+|{_NAKAGURO}{_BLANK}*)", re.MULTILINE
)
_BREAK = late_pattern(rf"\n{_BLANK}*\n")
_SENTENCE_END = late_pattern(
    r"(?<![.!?…])[.!?…]++[\"'”\u2019»)\]*_]*+(?=\s|$)|[。\uff01\uff1f\uff61\u0964\u0965\u06d4\u061f\u1362]+"
)
_ABBREVIATION = late_pattern(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|[Ee]\.g|[Ii]\.e|approx)\.$")
_LONGEST_ABBREVIATION = 12
_LETTER_OR_DIGIT = late_pattern(r"[^\W_]")


def count_words(text: str) -> int:
    """Runs between white space that have a letter or a digit.

    A language written without spaces has no words in this sense: limit its characters instead.
    """
    return sum(map(_says_something, text.split()))


def count_sentences(text: str) -> int:
    """Parts that have a letter or a digit, ended by . ! ? …, their CJK forms, or a list item's or
    paragraph's end. A few abbreviations (Dr., e.g.) and initials end none; others do, wrongly.
    """
    parts = _BREAK.split(_LIST_MARKER.sub("\n\n", in_lines(text)))
    return sum(map(_sentences_in, parts))


def count_paragraphs(text: str) -> int:
    return sum(bool(part.strip()) for part in _BREAK.split(in_lines(text)))


def count_characters(text: str) -> int:
    return len(normalized("NFC", text.strip()))


def _sentences_in(paragraph: str) -> int:
    count, begin, looked_at, says_something = 0, 0, 0, False
    for end in _SENTENCE_END.finditer(paragraph):
        says_something = says_something or _says_something(paragraph[looked_at : end.end()])
        looked_at = end.end()
        tail = paragraph[max(begin, looked_at - _LONGEST_ABBREVIATION) : looked_at]
        if end.group() == "." and _ABBREVIATION.search(tail):
            continue
        count += says_something
        begin, says_something = looked_at, False
    return count + (says_something or _says_something(paragraph[looked_at:]))


def _says_something(part: str) -> bool:
    return _LETTER_OR_DIGIT.search(part) is not None


_NUMBERED = late_pattern(
    rf"^{_BLANK}*+(?:\*\*)?\d{{1,3}}[.)\uff0e\uff09\u3001]{_BLANK}*+(?:\*\*{_BLANK}*+)?\S",
    re.MULTILINE,
)
_BULLET = late_pattern(
    rf"^{_BLANK}*(?:[{_BULLETS}\u2013]{_BLANK}+|{_NAKAGURO}{_BLANK}*)\S", re.MULTILINE
)
_DECIMAL = late_pattern(r"^[ \t]*\d{1,3}\.\d")
_FENCED = late_pattern(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)


def count_list_items(text: str) -> int:
    """Bullets and numbered items together."""
    return count_numbered_items(text) + count_bullet_items(text)


def count_numbered_items(text: str) -> int:
    lines = _FENCED.sub("", in_lines(text)).splitlines()
    return sum(bool(_NUMBERED.match(line)) and not _DECIMAL.match(line) for line in lines)


def count_bullet_items(text: str) -> int:
    return len(_BULLET.findall(_FENCED.sub("", in_lines(text))))


def equals_reference(subject: Subject, _: bool) -> bool:
    return _one_line(subject.text) == _reference(subject)


def contains_reference(subject: Subject, _: bool) -> bool:
    reference = _reference(subject)
    if not reference:  # which every text contains
        raise UndecidedCheckError("the row's `reference` is empty")
    return reference in _one_line(subject.text)


def _reference(subject: Subject) -> str:
    if subject.reference is None:
        raise UndecidedCheckError("the row has no `reference`")
    return _one_line(subject.reference)


def _one_line(text: str) -> str:
    return " ".join(folded(text).split())
