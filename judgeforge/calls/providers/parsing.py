"""The body of a reply as the values that are read of it, whatever stands around them.

A reply is paid for: it is not lost to a character that JSON does not allow in a text, to what a
gateway put around it, or to a second choice that nobody asked for.
"""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from judgeforge.calls.providers.refusal_words import json_of
from judgeforge.calls.providers.streams import is_stream
from judgeforge.errors import MalformedReplyError
from judgeforge.text.wording import first_problem

M = TypeVar("M", bound=BaseModel)

_RESULTS = frozenset({"choices", "content"})
"""Fields of which a reply has one."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_CHARSET = re.compile(r"charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_GZIP, _MOST_UNPACKED = b"\x1f\x8b", 2**28
_MOST_ENVELOPES = 3
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
    """A body in the encoding that its header names or its first bytes are of, where it is not UTF-8
    as all JSON should be; unpacked, where its server did not say that it is packed."""
    if raw[:2] == _GZIP:
        raw = _unpacked(raw)
    if (encoding := json.detect_encoding(raw)) != "utf-8":  # by its byte order mark, or by zeros
        return raw.decode(encoding, "replace").encode() or raw
    named = _CHARSET.search(content_type)
    if named is None or named[1].lower() in {"utf-8", "utf8"}:
        return raw
    try:
        raw.decode()
    except UnicodeDecodeError:
        with contextlib.suppress(LookupError, ValueError):
            return raw.decode(named[1]).encode()
    return raw


def _unpacked(raw: bytes) -> bytes:
    """As it is where it cannot be unpacked, or has more than any reply."""
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    with contextlib.suppress(zlib.error):
        unpacked = unpacking.decompress(raw, _MOST_UNPACKED)
        return raw if unpacking.unconsumed_tail or not unpacking.eof else unpacked
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
    for within in opened(value):
        value = within
        yield _written(value)
    if isinstance(value, Mapping) and isinstance(value.get("choices"), list):
        first = first_choice(value["choices"])
        yield _written({**value, "choices": [] if first is None else [_as_choice(first)]})


def first_choice(choices: object) -> Mapping[str, Any] | None:
    """The answer that was asked for, in whichever order a server lists several."""
    listed = choices if isinstance(choices, list) else []
    given = [one for one in listed if isinstance(one, Mapping)]
    return next((one for one in given if not one.get("index")), given[0] if given else None)


def opened(value: Any) -> Iterator[Any]:  # noqa: ANN401 (of JSON)
    """A value of JSON, and what each of its envelopes holds, the innermost last."""
    yield value
    for _ in range(_MOST_ENVELOPES):
        if (value := _enveloped(value)) is None:
            return
        yield value


def _enveloped(value: Any) -> Any:  # noqa: ANN401 (of JSON)
    """What a list of one, a text of JSON, or a gateway's object holds: that one puts the reply
    under a name of its own, beside a code or a message. None where there is no such thing."""
    if isinstance(value, str):
        return json_of(value.encode("utf-8", "replace"))
    if isinstance(value, list):
        return value[0] if len(value) == 1 else None
    if not isinstance(value, Mapping) or not value.keys().isdisjoint(_RESULTS):
        return None
    found = [one for one in value.values() if _may_hold_a_reply(one)]
    return found[0] if len(found) == 1 else None


def _may_hold_a_reply(value: object, depth: int = _MOST_ENVELOPES) -> bool:
    if isinstance(value, str):
        return value.lstrip().startswith("{") and any(f'"{name}"' in value for name in _RESULTS)
    if not isinstance(value, Mapping) or not depth:
        return False
    within = (_may_hold_a_reply(one, depth - 1) for one in value.values())
    return not value.keys().isdisjoint(_RESULTS) or any(within)


def _as_choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """With a message, where the answer stands as in a stream or in older APIs."""
    said = next((choice[name] for name in ("message", "delta", "text") if choice.get(name)), None)
    return {**choice, "message": {"content": said} if isinstance(said, str) else said}


def _written(value: Any) -> str:  # noqa: ANN401 (of JSON)
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False))


def _is_stream(raw: bytes) -> bool:
    """Server-sent events that are no reply, or one JSON object a line."""
    first, _, more = raw.lstrip().partition(b"\n")
    if is_stream(raw):
        return True
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and more.startswith(b"{")
