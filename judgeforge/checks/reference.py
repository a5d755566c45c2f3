"""Comparisons with the row's reference. Case and the amount of white space do not count."""

from __future__ import annotations

from judgeforge.checks.subject import Subject, UndecidedCheckError


def equals_reference(subject: Subject, _: bool) -> bool:
    return _folded(subject.text) == _reference(subject)


def contains_reference(subject: Subject, _: bool) -> bool:
    return _reference(subject) in _folded(subject.text)


def _reference(subject: Subject) -> str:
    if subject.reference is None:
        raise UndecidedCheckError("the row has no `reference`")
    return _folded(subject.reference)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
