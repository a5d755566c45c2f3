"""How long a text is, in characters, words, sentences and paragraphs."""

from __future__ import annotations

import re

from judgeforge.checks.subject import Subject

_LIST_MARKER = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_BREAK = re.compile(r"\n[ \t]*\n")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”\u2019»)\]*_]*(?=\s|$)|[。\uff01\uff1f]+")
_ABBREVIATION = re.compile(r"\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|[Ee]\.g|[Ii]\.e|approx)\.$")


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
