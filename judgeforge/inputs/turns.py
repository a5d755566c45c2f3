"""Turns as ShareGPT has them (``from``, ``value``) -> messages with ``role`` and ``content``.

A turn ``function_call`` becomes an assistant's tool call, the ``observation`` after it the tool's
answer: they have no ids in such rows, so they are numbered. What a turn has beside goes with it, to
be kept or named where messages are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.inputs.lines import parse_json
from judgeforge.inputs.rows import bad, kind_of
from judgeforge.text.visible import quotable

_ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_CALLS = "function_call"
_RESULTS = ("observation", "tool", "function_response")
_OF_A_CALL = {"name", "arguments", "parameters"}
_KNOWN = ", ".join((*_ROLES, _CALLS, *_RESULTS))


def turns_of(value: object) -> object:
    """A list of turns with ``role`` and ``content``; anything else as it is.

    Raises RowProblemError for turns of a form that is known, and is not kept.
    """
    return listed_turns(value) if isinstance(value, list) else value


def listed_turns(value: list[Any]) -> list[Any]:
    """As ``turns_of``, for what is a list."""
    if not any(map(_is_foreign, value)):
        return value
    turns: list[Any] = []
    open_calls: list[str] = []
    for number, turn in enumerate(value, start=1):
        if not _is_foreign(turn):
            bad(f"message {number} has no `from` and `value` as the others have")
        turns.append(_turn(turn, number, open_calls))
    return turns


def _is_foreign(turn: object) -> bool:
    return isinstance(turn, Mapping) and "from" in turn and turn.get("role") is None


def _turn(turn: Mapping[str, Any], number: int, open_calls: list[str]) -> dict[str, Any]:
    speaker, value = turn["from"], turn.get("value")
    more = {name: each for name, each in turn.items() if name not in {"from", "value"}}
    if speaker == _CALLS:
        calls = _calls(value, number)
        open_calls[:] = [call["id"] for call in calls]
        return {**more, "role": "assistant", "content": None, "tool_calls": calls}
    if speaker in _RESULTS:
        if not open_calls:
            bad(f"message {number} is of `{speaker}`, without a `{_CALLS}` before it")
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return {**more, "role": "tool", "tool_call_id": open_calls.pop(0), "content": text}
    if not isinstance(speaker, str) or speaker not in _ROLES:
        found = f"`{quotable(speaker)}`" if isinstance(speaker, str) else kind_of(speaker)
        bad(f"`from` of message {number} must be one of {_KNOWN}; found {found}")
    if open_calls:
        bad(f"message {number} comes before the `observation` of a `{_CALLS}`")
    return {**more, "role": _ROLES[speaker], "content": value}


def _calls(value: object, number: int) -> list[dict[str, Any]]:
    """The tool calls of a turn: an object with ``name`` and ``arguments``, or a list of them."""
    try:
        said = parse_json(value) if isinstance(value, str) else value
    except ValueError as error:
        bad(f"the `{_CALLS}` of message {number} is not JSON: {error}")
    calls: Sequence[object] = said if isinstance(said, list) else [said]
    if not calls:
        bad(f"the `{_CALLS}` of message {number} calls nothing")
    return [_call(each, number, place) for place, each in enumerate(calls, start=1)]


def _call(said: object, number: int, place: int) -> dict[str, Any]:
    if not isinstance(said, Mapping) or not isinstance(said.get("name"), str):
        bad(f"the `{_CALLS}` of message {number} must be an object with `name` and `arguments`")
    arguments = said.get("arguments", said.get("parameters", {}))
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    function = {"name": said["name"], "arguments": text}
    more = {name: each for name, each in said.items() if name not in _OF_A_CALL}
    given = said.get("id")
    call_id = given if isinstance(given, str) and given else f"call_{number}_{place}"
    return {**more, "id": call_id, "type": "function", "function": function}
