"""A row as a source gives it, before it is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from judgeforge.records import SkipReason

SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RawRow:
    line: int
    """Line or row number, from 1."""
    columns: Mapping[str, Any]
    """None stands for an absent value."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read at all, or only in part."""

    line: int
    reason: SkipReason
    detail: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What could be read of it."""


def encodable(text: str) -> str:
    """The text with every half of a surrogate pair, which UTF-8 cannot hold, replaced."""
    return SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
