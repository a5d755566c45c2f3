"""Tool calls as words: to be read, measured, compared, and searched for what they hide. Pure.

Arguments are JSON text that a model wrote. Shown, they stay as they were written; compared, the
order of keys and white space do not count; searched, their texts are looked at as a tool reads
them, without the escapes of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgeforge.text.messages import ToolCall
from judgeforge.text.visible import normalized

_MOST_NESTED = 100
"""Levels of arguments that are looked into; deeper ones are taken as text."""


def call_text(call: ToolCall) -> str:
    """``get_weather({"city": "Oslo"})``."""
    return f"{call.name}({call.arguments})"


def parsed_arguments(text: str) -> Any:  # noqa: ANN401 (of JSON)
    """Of a tool call. A model may write what is no JSON: that stays the text that it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def said_text(text: str, calls: Sequence[ToolCall]) -> str:
    """All that an answer says: its words, and then each of its calls on a line of its own.

    Of an answer without calls this is the very text. How long an answer is, is how long this is.
    """
    if not calls:
        return text
    return "\n".join([*([text] if text else []), *map(call_text, calls)])


def row_calls(row: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    """Of a message or a completion as a line of a run's file has it; it was checked before."""
    return tuple(
        ToolCall.model_construct(id=str(call.get("id", "")), **call["function"])
        for call in row.get("tool_calls") or ()
    )


def row_said_text(row: Mapping[str, Any]) -> str:
    """``said_text`` of a row of completions.jsonl."""
    return said_text(row.get("text") or "", row_calls(row))


def same_calls_key(calls: Sequence[ToolCall]) -> str:
    """Equal for calls of the same tools with the same arguments in the same order."""
    if not calls:
        return "[]"  # of nearly every answer
    return json.dumps([[call.name, _canonical(call.arguments)] for call in calls])


def texts_in_calls(calls: Sequence[ToolCall]) -> Iterator[str]:
    """Names, and every text in the arguments, keys included, as the tool reads them."""
    for call in calls:
        yield call.name
        yield from texts_in_json(call.arguments)


def texts_in_json(written: str) -> Iterator[str]:
    """Every text in a JSON text, keys included; what is not JSON is one text as it stands."""
    read, value = _read(written)
    yield from _texts_in(value, written) if read else (written,)


def _texts_in(value: object, written: str) -> Iterator[str]:
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            yield one
        elif depth >= _MOST_NESTED and isinstance(one, dict | list):
            yield written
            return
        elif isinstance(one, dict):
            yield from one
            waiting += [(inner, depth + 1) for inner in reversed(one.values())]
        elif isinstance(one, list):
            waiting += [(inner, depth + 1) for inner in reversed(one)]


def _canonical(arguments: str) -> str:
    """Some servers write no arguments as no text at all."""
    read, value = _read(normalized("NFC", arguments) if arguments.strip() else "{}")
    try:
        return json.dumps(value, sort_keys=True) if read else arguments
    except RecursionError:
        return arguments


def _read(written: str) -> tuple[bool, object]:
    try:
        return True, json.loads(written)
    except (ValueError, RecursionError):
        return False, None
