"""A reply that must be one JSON object: nothing before it, nothing after it, nothing twice.

What is not JSON by the letter and still has one reading is read: in a code fence, between the marks
of a chat template, with line breaks within a text, a comma too many, a backslash that escapes
nothing, or as a text of JSON. What could be read in two ways is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from judgeforge.judging.checks.structured import unfenced

_NOT_DRAWN = "\ufeff\u200b"
_MARK = (
    r"<\|[a-z_]{1,30}\|>|<\uff5c[a-z\u2581]{1,40}\uff5c>|</?s>"
    r"|<(?:eos|bos|pad|end_of_turn|start_of_turn)>|\[/?(?:EOS|BOS|INST)\]"
)
_MARKS_BEFORE = re.compile(rf"\A(?:[\s{_NOT_DRAWN}]|{_MARK})++", re.IGNORECASE)
_MARK_AFTER = re.compile(rf"(?:{_MARK})\Z", re.IGNORECASE)
_LONGEST_MARK, _MOST_MARKS = 50, 20
_TEXT_OR_SLIP = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)'
    rf"|(?P<comma>,)(?=[\s\u00a0{_NOT_DRAWN}]*+[}}\]])|[\u00a0{_NOT_DRAWN}]",
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(?P<known>["\\/bfnrt]|u[0-9a-fA-F]{4})?')


class UnreadableReplyError(ValueError):
    """The reply is not what was asked for; the message says why, for the judge and for the log."""


def one_object(text: str) -> dict[str, Any]:
    """The object that the whole reply is. Raises UnreadableReplyError."""
    value = _value(unfenced(_without_marks(text)))
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _value(value)
    if not isinstance(value, dict):
        raise UnreadableReplyError("the reply is not a JSON object")
    return value


def _value(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return _loaded(text)
    except json.JSONDecodeError as error:
        try:
            return _loaded(_TEXT_OR_SLIP.sub(_by_the_letter, text))
        except json.JSONDecodeError:
            raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error


def _loaded(text: str) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise UnreadableReplyError("the reply is nested too deeply") from error
    except (UnreadableReplyError, json.JSONDecodeError):
        raise
    except ValueError as error:  # a number of thousands of digits
        raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error


def _without_marks(text: str) -> str:
    text = _MARKS_BEFORE.sub("", text).rstrip().rstrip(_NOT_DRAWN).rstrip()
    for _ in range(_MOST_MARKS):
        mark = _MARK_AFTER.search(text, max(0, len(text) - _LONGEST_MARK))
        if mark is None:
            break
        text = text[: mark.start()].rstrip()
    return text


def _by_the_letter(found: re.Match[str]) -> str:
    """A text with its backslashes doubled where they escape nothing; blanks for other slips."""
    if found["text"] is None:
        return " "
    said = _ESCAPE.sub(lambda each: each[0] if each["known"] else r"\\", found["text"])
    return f'"{said}{found[0][1 + len(found["text"]) :]}'


def exact_keys(value: dict[str, Any], wanted: Sequence[str], where: str) -> None:
    """Raises UnreadableReplyError where a key is missing or not wanted."""
    missing = [key for key in wanted if key not in value]
    extra = [key for key in value if key not in wanted]
    if missing:
        raise UnreadableReplyError(f"{where} lacks `{missing[0]}`")
    if extra:
        raise UnreadableReplyError(f"{where} has the unknown key {quoted(extra[0])}")


def quoted(value: object) -> str:
    """A value of the reply, short and in ASCII, for a message that also goes back to the judge."""
    try:
        return ascii(value)[:60]
    except RecursionError:
        return f"a {type(value).__name__} that is nested too deeply"


def storable(text: str) -> str:
    """A JSON escape can name half a character, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode()


def _no_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnreadableReplyError("a key stands twice in an object")
    return value


def _no_constant(name: str) -> float:
    raise UnreadableReplyError(f"{name} is not a number of JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_double_keys, parse_constant=_no_constant, strict=False
)
