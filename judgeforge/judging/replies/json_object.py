"""A reply that must be one JSON object: nothing before it, nothing after it, nothing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_FENCED = re.compile(r"^```(?:json)?[ \t]*\n(.*)\n```$", re.DOTALL)


class UnreadableReplyError(ValueError):
    """The reply is not what was asked for; the message says why, for the judge and for the log."""


def one_object(text: str) -> dict[str, Any]:
    """The object that the whole reply is, at most in a code fence. Raises UnreadableReplyError."""
    stripped = text.strip()
    fenced = _FENCED.match(stripped)
    try:
        value = json.loads(
            fenced.group(1) if fenced else stripped,
            object_pairs_hook=_no_double_keys,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        raise UnreadableReplyError("the reply is nested too deeply") from error
    except UnreadableReplyError:
        raise
    except ValueError as error:
        raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error
    if not isinstance(value, dict):
        raise UnreadableReplyError("the reply is not a JSON object")
    return value


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
