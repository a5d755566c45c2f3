"""Markdown list items, at any depth, outside fenced code."""

from __future__ import annotations

import re

from judgeforge.checks.arguments import Span
from judgeforge.checks.subject import Subject

_NUMBERED = re.compile(r"^[ \t]*(?:\*\*)?\d{1,3}[.)][ \t]*(?:\*\*)?[ \t]*\S", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*+•\u2013][ \t]+\S", re.MULTILINE)
_DECIMAL = re.compile(r"^[ \t]*\d{1,3}\.\d")
_FENCED = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)


def list_items(subject: Subject, wanted: Span) -> bool:
    """Bullets and numbered items together."""
    return wanted.holds(_numbered(subject.text) + _bullets(subject.text))


def numbered_items(subject: Subject, wanted: Span) -> bool:
    return wanted.holds(_numbered(subject.text))


def bullet_items(subject: Subject, wanted: Span) -> bool:
    return wanted.holds(_bullets(subject.text))


def _numbered(text: str) -> int:
    lines = _FENCED.sub("", text).splitlines()
    return sum(bool(_NUMBERED.match(line)) and not _DECIMAL.match(line) for line in lines)


def _bullets(text: str) -> int:
    return len(_BULLET.findall(_FENCED.sub("", text)))
