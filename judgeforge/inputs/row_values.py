"""What may be wrong with a value of a row, in the words of JSON."""

from __future__ import annotations

import re
from typing import NoReturn

from judgeforge.records import SkipReason

_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (C0, DEL, C1) but tab and line ends; halves of surrogate pairs."""
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
    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def kind_of(value: object) -> str:
    """The type in the words of JSON."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def bad(detail: str) -> NoReturn:
    """Raises RowProblemError for a row that is not as it must be."""
    raise RowProblemError(SkipReason.INVALID_ROW, detail)


def text_of(value: object, what: str) -> str:
    """A string that can be sent to a model and written to a file. Raises RowProblemError."""
    if not isinstance(value, str):
        bad(f"{what} must be a string, found {kind_of(value)}")
    unwanted = _UNWANTED.search(value)
    if unwanted is None:
        return value
    code = f"U+{ord(unwanted.group()):04X}"
    if unwanted.group() >= "\ud800":
        detail = f"{what} holds half a surrogate pair ({code}); write the whole character"
        raise RowProblemError(SkipReason.INVALID_ENCODING, detail)
    detail = f"{what} holds the control character {code}; remove it"
    raise RowProblemError(SkipReason.CONTROL_CHARACTERS, detail)
