"""A row as its source gives it, and what may be wrong with its values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from judgeforge.records import Prompt, SkipReason
from judgeforge.text.patterns import late_pattern
from judgeforge.text.visible import quotable
from judgeforge.text.wording import listed

SURROGATE = late_pattern(r"[\ud800-\udfff]")
_SHOWN_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class RawRow:
    line: int
    """Line or row number, from 1."""
    columns: Mapping[str, Any]
    """None stands for an absent value."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Columns beside the metadata that go into the pairs."""
    joined: Sequence[Mapping[str, Any]] = ()
    """All rows that were joined to this one, itself among them."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read at all, or only in part."""

    line: int
    reason: SkipReason
    detail: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What could be read of it."""


def place_of(prompt: Prompt) -> str:
    """Its line, and the file where there are several."""
    return f"line {prompt.line} of {prompt.file}" if prompt.file else f"line {prompt.line}"


def encodable(text: str) -> str:
    """The text with every half of a surrogate pair, which UTF-8 cannot encode, replaced."""
    return SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def is_longer(value: object, most: int) -> bool:
    """Whether the texts in a value have more than ``most`` characters; 8 for every other value."""
    left, values = most, [value]
    while values and left >= 0:
        each = values.pop()
        if isinstance(each, Mapping):
            values.extend(each.keys())
            values.extend(each.values())
        elif isinstance(each, list | tuple):
            left -= len(each)
            values.extend(each if left >= 0 else ())
        else:
            left -= len(each) if isinstance(each, str | bytes) else 8
    return left < 0


def column_names(names: Iterable[object]) -> str:
    """The first of them for a message: ``a, b, c``."""
    shown = (quotable(str(name)) or "(one without a name)" for name in names)  # pandas' index
    return listed(shown, _SHOWN_COLUMNS) or "no columns"


_UNWANTED = late_pattern(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (C0, DEL, C1) except tab and line ends; halves of surrogate pairs."""
_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


class RowProblemError(Exception):
    """``unread``: the field that need not be read, where its column may only happen to have its
    name."""

    def __init__(self, reason: SkipReason, problem: str, *, unread: str | None = None) -> None:
        self.reason, self.problem, self.unread = reason, problem, unread
        self.detail = problem if unread is None else f"{problem}{or_unread(unread)}"
        super().__init__(self.detail)


def is_nan(value: object) -> bool:
    """Whether it is what tables often have in the place of no value."""
    return isinstance(value, float) and math.isnan(value)


def kind_of(value: object) -> str:
    """The type in the words of JSON."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def bad(problem: str, *, unread: str | None = None) -> NoReturn:
    """Raises RowProblemError for a row that is not as it must be."""
    raise RowProblemError(SkipReason.INVALID_ROW, problem, unread=unread)


def or_unread(field: str) -> str:
    """What else can be done about a column that only happens to have a field's name."""
    return f" (`fields: {{{field}: null}}` leaves the column out)"


def text_of(value: object, what: str) -> str:
    """A string that can be sent to a model and written to a file. Raises RowProblemError."""
    if not isinstance(value, str):
        bad(f"{what} must be a string, found {kind_of(value)}")
    unwanted = None if value.isprintable() else _UNWANTED.search(value)
    if unwanted is None:
        return value
    code = f"U+{ord(unwanted.group()):04X}"
    if unwanted.group() >= "\ud800":
        detail = f"{what} contains half a surrogate pair ({code}); write the whole character"
        raise RowProblemError(SkipReason.INVALID_ENCODING, detail)
    detail = f"{what} contains the control character {code}; remove it"
    raise RowProblemError(SkipReason.CONTROL_CHARACTERS, detail)


def without_unwanted(text: str) -> str:
    """The text with each character for which ``text_of`` refuses one replaced."""
    return _UNWANTED.sub("\N{REPLACEMENT CHARACTER}", text)
