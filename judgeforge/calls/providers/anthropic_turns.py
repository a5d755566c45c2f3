"""Turns, tools and pictures as Anthropic's messages take them.

What the system and the developer say stands apart. Calls are ``tool_use`` blocks of the assistant,
their answers ``tool_result`` blocks of one message of the user. Thoughts of earlier turns cannot be
sent: only those that Anthropic signed are taken. Names of speakers and `detail` have no place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from judgeforge.calls.providers.base import Body
from judgeforge.calls.providers.pictures import picture_of
from judgeforge.text.messages import ImageUrl, Message, Part, TextPart, ToolCall

_OF_THE_SYSTEM = ("system", "developer")
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")
_ANY_OBJECT: dict[str, Any] = {"type": "object"}
_DESCRIBED = ("description", "strict")


def system_texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages if message.role in _OF_THE_SYSTEM]


def anthropic_turns(messages: Sequence[Message]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for message in messages:
        if message.role in _OF_THE_SYSTEM:
            continue
        if message.role == "tool":
            if not answers:
                turns.append({"role": "user", "content": answers})
            answers.append(_tool_result(message))
            continue
        answers = []
        turns.append({"role": message.role, "content": _content(message)})
    return turns


def tools_of(tools: str | None, messages: Sequence[Message]) -> Body:
    """The fields of the body that offer tools.

    Where turns have calls, tools must be defined: those of a row without any are named after its
    calls, and are not to be called.
    """
    if tools is not None:
        return {"tools": [_tool(tool["function"]) for tool in json.loads(tools)]}
    called = dict.fromkeys(call.name for message in messages for call in message.tool_calls)
    if not called:
        return {}
    named = [{"name": name, "input_schema": _ANY_OBJECT} for name in called]
    return {"tools": named, "tool_choice": {"type": "none"}}


def _tool(function: dict[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters", {**_ANY_OBJECT, "properties": {}})
    described = {name: function[name] for name in _DESCRIBED if name in function}
    return {"name": function["name"], "input_schema": schema} | described


def _content(message: Message) -> str | list[dict[str, Any]]:
    if isinstance(message.content, str) and not message.tool_calls:
        return message.content
    blocks = _blocks(message.content)
    return [*blocks, *map(_tool_use, message.tool_calls)]


def _blocks(content: str | tuple[Part, ...] | None) -> list[dict[str, Any]]:
    """An empty text is refused, and is not a loss."""
    if isinstance(content, tuple):
        return [*map(_part, content)]
    return [{"type": "text", "text": content}] if content and content.strip() else []


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "source": _source(part.image_url)}


def _source(image: ImageUrl) -> dict[str, Any]:
    picture = picture_of(image)
    if picture is None:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": picture.media_type, "data": picture.base64}


def _tool_use(call: ToolCall) -> dict[str, Any]:
    arguments = json.loads(call.arguments)
    return {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments}


def _tool_result(message: Message) -> dict[str, Any]:
    content = message.content if isinstance(message.content, str) else _blocks(message.content)
    return {
        "type": "tool_result",
        "tool_use_id": _id(message.tool_call_id or ""),
        "content": content,
    }


def _id(given: str) -> str:
    """Other servers give ids with characters that Anthropic refuses."""
    return _NO_ID.sub("_", given)
