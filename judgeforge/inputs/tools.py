"""The tools of a row and the calls of its turns, in OpenAI's shape. Pure.

Read are also what other places call the same: a function without its wrapping, Anthropic's
``input_schema``, and arguments as an object, which chat templates want and tables cannot hold.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from judgeforge.inputs.lines import parse_json
from judgeforge.inputs.literals import python_value
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.rows import bad, column_names, kind_of, text_of
from judgeforge.text.messages import ToolCall
from judgeforge.text.visible import quotable

_OF_A_FUNCTION = frozenset({"name", "description", "parameters", "strict", "input_schema"})
_DEEPEST = 100
_written = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def read_tools(value: object) -> str | None:
    """The tools as JSON text, in the order given; None where there are none.

    ``value``: a list or its JSON text. Raises RowProblemError.
    """
    if isinstance(value, str):
        if not value.strip():
            return None
        value = _parsed(value, "`tools`", unread="tools")
    if value is None or value == []:
        return None
    if not isinstance(value, list):
        bad(
            f"`tools` must be a list of tools or its JSON text, found {kind_of(value)}",
            unread="tools",
        )
    tools = [_tool(one, number) for number, one in enumerate(value, start=1)]
    names = [tool["function"]["name"] for tool in tools]
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        bad(f"`tools` has two tools called `{quotable(twice)}`; give each a name of its own")
    return _json(tools, "`tools`")


def tool_names(tools: str | None) -> tuple[str, ...]:
    if tools is None:
        return ()
    return tuple(tool["function"]["name"] for tool in json.loads(tools))


def read_tool_calls(
    value: object, what: str, reading: Reading, *, taken: int = 0, strictly: bool = True
) -> tuple[ToolCall, ...]:
    """``what`` has them: ``message 2``. ``taken``: calls before these, for ids that are missing.

    ``strictly``: arguments must be the JSON of an object. In a completion they need not be: what a
    model wrote is judged as it is. Raises RowProblemError.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        value = _parsed(value, f"`tool_calls` of {what}")
    if not isinstance(value, list):
        bad(f"`tool_calls` of {what} must be a list, found {kind_of(value)}")
    calls = []
    for number, one in enumerate(value, start=1):
        place = f"tool call {number} of {what}"
        calls.append(_call(one, place, reading, taken + number, strictly=strictly))
    ids = [call.id for call in calls]
    if len(set(ids)) < len(ids):
        bad(f"two tool calls of {what} have the same id; give each its own")
    return tuple(calls)


def _tool(value: object, number: int) -> dict[str, Any]:
    what = f"tool {number}"
    if not isinstance(value, Mapping):
        bad(
            f"{what} must be an object with `type` and `function`, found {kind_of(value)}",
            unread="tools",
        )
    kind = value.get("type")
    if kind not in (None, "function", "custom") or (
        kind == "custom" and "input_schema" not in value
    ):
        bad(f"{what} has the type `{quotable(str(kind))}`; only functions can be sent to models")
    function = value.get("function", value)
    if not isinstance(function, Mapping):
        bad(f"`function` of {what} must be an object, found {kind_of(function)}")
    name = function.get("name")
    if not isinstance(name, str) or not name.strip():
        bad(f"{what} has no `name`; it has {column_names(function)}", unread="tools")
    described = function.get("description")
    if described is not None:
        text_of(described, f"the description of {what}")
    schema = function.get("parameters", function.get("input_schema"))
    if isinstance(schema, str):
        schema = _parsed(schema, f"`parameters` of {what}")
    if schema is not None and not isinstance(schema, Mapping):
        bad(f"`parameters` of {what} must be a JSON Schema, found {kind_of(schema)}")
    rest = {
        key: each
        for key, each in function.items()
        if key not in _OF_A_FUNCTION | {"type", "function"} and each is not None
    }
    if rest:
        bad(f"{what} has `{column_names(rest)}`, which no tool has; remove it")
    read = {"name": text_of(name, f"the name of {what}"), "description": described}
    read |= {"parameters": schema, "strict": function.get("strict")}
    plain = {key: each for key, each in read.items() if each is not None}
    return {"type": "function", "function": plain}


def _call(value: object, what: str, reading: Reading, number: int, *, strictly: bool) -> ToolCall:
    if not isinstance(value, Mapping):
        bad(f"{what} must be an object with `function`, found {kind_of(value)}")
    if value.get("type") not in (None, "function"):
        bad(f"{what} has the type `{quotable(str(value['type']))}`; only functions can be called")
    function = value.get("function", value)
    if not isinstance(function, Mapping) or not isinstance(name := function.get("name"), str):
        bad(f"{what} must have a `function` with `name` and `arguments`")
    if not name.strip():
        bad(f"{what} has an empty name; write the name of the tool")
    for field in sorted(map(str, {*value, *function} - _OF_A_CALL)):
        if value.get(field) is not None or function.get(field) is not None:
            reading.noticed.leave_out(f"tool_calls.{field}")
    given = value.get("id")
    if not given:
        reading.noticed.numbered_calls += 1
    return ToolCall.model_construct(
        id=text_of(given, f"the id of {what}") if given else f"call_{number}",
        name=text_of(name, f"the name in {what}"),
        arguments=_arguments(function.get("arguments"), what, strictly=strictly),
    )


_OF_A_CALL = frozenset({"id", "type", "function", "name", "arguments"})


def _arguments(value: object, what: str, *, strictly: bool) -> str:
    if value is None or value == "":
        return "{}" if strictly else str(value or "")
    if isinstance(value, Mapping):
        return text_of(_json(value, f"the arguments of {what}"), f"the arguments of {what}")
    text = text_of(value, f"the arguments of {what}")
    if strictly and not isinstance(_parsed(text, f"the arguments of {what}"), dict):
        bad(f'the arguments of {what} must be a JSON object, such as {{"city": "Oslo"}}')
    return text


def _json(value: object, what: str) -> str:
    try:
        text = _written(value)
        text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        bad(f"{what} cannot be written as JSON ({error}); change that value")
    return text


def _parsed(text: str, what: str, *, unread: str | None = None) -> object:
    try:
        return parse_json(text)
    except ValueError as error:
        with suppress(ValueError):
            return python_value(text)
        bad(f"{what}: the text cannot be read as JSON ({error})", unread=unread)
