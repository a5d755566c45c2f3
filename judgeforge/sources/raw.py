"""A row as a file gives it, before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.records import SkipReason


@dataclass(frozen=True, slots=True)
class RawRow:
    line: int
    """Line or row number, from 1."""
    columns: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read at all."""

    line: int
    reason: SkipReason
    detail: str
