"""The body of a reply as the values that are read of it, whatever stands around them.

A reply is paid for: it is not lost to a character that JSON does not allow in a text, to what a
gateway put around it, or to a second choice that nobody asked for.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from judgeforge.errors import MalformedReplyError
from judgeforge.text.wording import first_problem

M = TypeVar("M", bound=BaseModel)

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_AROUND = "\ufeff\0 \t\r\n"
"""What says nothing before and after a body."""


def parsed(model: type[M], raw: bytes, *, what: str) -> M:
    """``what``: the kind of reply that it should be. Raises MalformedReplyError where it is not."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        for text in _other_readings(raw):
            try:
                return model.model_validate_json(text)
            except ValidationError:
                continue
        if _is_stream(raw):
            raise MalformedReplyError(
                "the reply is a stream, which was not asked for: turn streaming off in the server "
                f"or the gateway in front of it: {raw[:80]!r}"
            ) from error
        raise MalformedReplyError(
            f"the reply is not a {what} ({first_problem(error)}): {raw[:80]!r}"
        ) from error


def as_utf8(raw: bytes, content_type: str) -> bytes:
    """A body in the encoding that its header names, where it is not UTF-8 as all JSON should be."""
    named = _CHARSET.search(content_type)
    if named is None or named[1].lower() in {"utf-8", "utf8"}:
        return raw
    try:
        raw.decode()
    except UnicodeDecodeError:
        with contextlib.suppress(LookupError, ValueError):
            return raw.decode(named[1]).encode()
    return raw


def _other_readings(raw: bytes) -> Iterator[str]:
    """The same value, written as JSON allows it; then what it is the only one of.

    A model may write half a surrogate pair, which JSON can escape but UTF-8 cannot hold: it becomes
    U+FFFD. Some servers leave line breaks in texts as they are, or put a reply into a list.
    """
    text = raw.decode(errors="replace").lstrip(_AROUND)
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return
    if text[end:].strip(_AROUND):
        return
    yield _written(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
        yield _written(value)
    if isinstance(value, Mapping) and isinstance(value.get("choices"), list):
        first = next((one for one in value["choices"] if isinstance(one, Mapping)), None)
        yield _written({**value, "choices": [] if first is None else [_as_choice(first)]})


def _as_choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a message, where the answer stands as in a stream or in older APIs."""
    said = next((choice[name] for name in ("message", "delta", "text") if choice.get(name)), None)
    return {**choice, "message": {"content": said} if isinstance(said, str) else said}


def _written(value: Any) -> str:  # noqa: ANN401 (of JSON)
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False))


def _is_stream(raw: bytes) -> bool:
    """Server-sent events, or one JSON object a line."""
    first, _, more = raw.lstrip().partition(b"\n")
    if first.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return True
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and more.startswith(b"{")
