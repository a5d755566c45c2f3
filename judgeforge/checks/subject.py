"""What a check looks at, and how it says that it cannot decide."""

from __future__ import annotations

from dataclasses import dataclass


class UndecidedCheckError(Exception):
    """The check can neither be called passed nor failed for this text; says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    text: str
    reference: str | None = None
