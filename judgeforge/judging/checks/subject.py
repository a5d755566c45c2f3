"""What a check looks at, how it says that it cannot decide, and the readers of its argument.

Letters are compared in one form (NFC), however an accent was typed. A reader makes of a YAML or
JSON value what the check works with, and raises ValueError that says what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from judgeforge.judging.checks.usual_forms import as_typed, folded
from judgeforge.text.messages import Message, ToolCall
from judgeforge.text.visible import normalized
from judgeforge.text.wording import did_you_mean

MOST_TEXTS = 100
_LONGEST_SHOWN = 60


class UndecidedCheckError(Exception):
    """The check can neither be called passed nor failed for this text; says why."""


@dataclass(frozen=True)
class Subject:
    text: str
    reference: str | None = None
    calls: tuple[ToolCall, ...] = ()
    """The tools that the answer calls, beside its text."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    """Of the row."""
    prompt: tuple[Message, ...] = ()
    """What is answered."""

    def holds(self, wanted: str) -> bool:
        """Whether a text of ``texts`` occurs."""
        return wanted in self.comparable(wanted)

    def comparable(self, wanted: str) -> str:
        """The text as ``wanted`` is written: signs without a letter or digit are meant as such."""
        return self._folded if _says_something(wanted) else self._as_typed

    @cached_property
    def _folded(self) -> str:
        return folded(self.text)

    @cached_property
    def _as_typed(self) -> str:
        return as_typed(self.text)


def _says_something(text: str) -> bool:
    return any(map(str.isalnum, text))


@dataclass(frozen=True, slots=True)
class Span:
    """A count from ``least`` to ``most``, both included."""

    least: int
    most: int | None

    def includes(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)


Passes = Callable[[Subject, Any], bool]
"""Whether a text passes a check with this argument."""


def at_most(count: Callable[[str], int]) -> Passes:
    return lambda subject, most: count(subject.text) <= most


def at_least(count: Callable[[str], int]) -> Passes:
    return lambda subject, least: count(subject.text) >= least


def within(count: Callable[[str], int]) -> Passes:
    return lambda subject, wanted: wanted.includes(count(subject.text))


def negated(passes: Passes) -> Passes:
    return lambda subject, banned: not passes(subject, banned)


def shown(value: object) -> str:
    """What was found, for a message: short, whatever the row contains."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def whole_number(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"must be a whole number from 0, not {shown(value)}")
    return value


def only_true(value: JsonValue) -> bool:
    if value is not True:
        raise ValueError(
            f"takes only `true`, not {shown(value)} (leave the check out to turn it off)"
        )
    return True


def text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text that is not empty, not {shown(value)}")
    return value


def texts(value: JsonValue) -> tuple[str, ...]:
    """One text or a list of texts, as ``Subject.comparable`` compares them."""
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= MOST_TEXTS:
        raise ValueError(f"must be a text or a list of 1 to {MOST_TEXTS} texts")
    wanted = map(text, items)
    return tuple((folded(one) if _says_something(one) else "") or as_typed(one) for one in wanted)


def known_settings(value: Iterable[str], known: Sequence[str]) -> None:
    for key in value:
        if key not in known:
            raise ValueError(
                f"`{key[:60]}` is not a setting (known: {', '.join(known)})"
                f"{did_you_mean(key[:60], known)}"
            )


def keys(value: JsonValue) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise ValueError("must be a key or a list of keys, not an empty list")
    return tuple(normalized("NFC", text(item)) for item in items)


def span(value: JsonValue) -> Span:
    """A whole number (exactly this many) or ``{min: …, max: …}``."""
    if not isinstance(value, dict):
        count = whole_number(value)
        return Span(count, count)
    if not value or set(value) - {"min", "max"}:
        raise ValueError("must be a whole number or a mapping with `min`, `max` or both")
    least = whole_number(value.get("min", 0))
    most = whole_number(value["max"]) if "max" in value else None
    if most is not None and most < least:
        raise ValueError(f"`max` ({most}) is smaller than `min` ({least})")
    return Span(least, most)
