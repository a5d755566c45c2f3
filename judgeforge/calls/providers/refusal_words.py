"""What a refusal says: its words, wherever they stand in it, and its codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from judgeforge.text.redaction import redact
from judgeforge.text.visible import one_line

_MOST_READ, _MOST_SAID = 4000, 500
"""Characters of a refusal that are looked at, and that are shown."""
_DEEPEST, _MOST_LISTED, _LONGEST_PAGE = 6, 5, 20_000
_MARKUP = re.compile(
    r"<(style|script|svg)\b.*?</\1>|<!--.*?-->|<[^<>]*>", re.DOTALL | re.IGNORECASE
)
_WORDS = (
    "type", "code", "status_code", "loc", "title", "message", "msg", "status_msg", "detail",
    "details", "error", "errors", "error_msg", "error_description", "reason", "base_resp",
    "metadata", "raw",
)  # fmt: skip
"""Fields that servers put what they say in, in the order in which it is shown."""
_LISTS = ("errors", "details", "detail")
"""Those that may be objects by the names of fields."""
_CODES = ("code", "type", "status", "reason", "error_type")


def harmless(said: object) -> str:
    """What a server or a library said, on one line, without keys and control characters."""
    return one_line(redact(str(said)))


def json_of(raw: bytes) -> Any:  # noqa: ANN401
    """None where it is not JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def said_in(raw: bytes, body: object) -> str:
    """``body``: what ``raw`` is as JSON, where it is."""
    words = list(dict.fromkeys(words_in(body)))
    if not any(" " in each for each in words):
        words = list(dict.fromkeys([*words, *_sentences(body)]))
    if not words:
        # Of a page only the text: a proxy or a gateway sends those.
        text = raw[:_LONGEST_PAGE].decode("utf-8", "replace").lstrip()
        words = [_MARKUP.sub(" ", text) if text.startswith("<") else text[:_MOST_READ]]
    return harmless(" ".join(words))[:_MOST_SAID] or "(without a word)"


def words_in(value: object, depth: int = 0) -> Iterator[str]:
    """What a refusal says in words, in the order of ``_WORDS`` and wherever it is."""
    if isinstance(value, str | int | float) and not isinstance(value, bool) and depth:
        if value and (text := str(value)[:_MOST_READ].strip()):
            yield text
    elif isinstance(value, list | tuple) and depth < _DEEPEST:
        for each in value[:_MOST_LISTED]:
            yield from words_in(each, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for name in _WORDS:
            found = value.get(name)
            if name in _LISTS and isinstance(found, Mapping) and found.keys().isdisjoint(_WORDS):
                found = [part for field in found.items() for part in field]
            yield from words_in(found, depth + 1)


def _sentences(value: object, depth: int = 0) -> Iterator[str]:
    """All texts of some words, under whatever names: where the usual ones hold codes at most."""
    if isinstance(value, str) and depth and " " in value.strip():
        yield value[:_MOST_READ].strip()
    elif isinstance(value, list | Mapping) and depth < _DEEPEST:
        found = value.values() if isinstance(value, Mapping) else value
        for each in list(found)[: len(_WORDS)]:
            yield from _sentences(each, depth + 1)


def codes_in(value: object, depth: int = 0) -> Iterator[str]:
    """Codes and kinds of an error, in lower case: no text of a prompt is among them."""
    if isinstance(value, list) and depth < _DEEPEST:
        for each in value[:_MOST_LISTED]:
            yield from codes_in(each, depth + 1)
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for name, each in value.items():
            if name in _CODES and isinstance(each, str):
                yield each.lower()
            yield from codes_in(each, depth + 1)
