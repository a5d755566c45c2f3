"""Turns of tools and pictures: what servers refuse in them, and how this one calls tools.

Real APIs are strict here, and so is this server: what it takes, they take.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.local_server.quality import completion_text, uniform
from tests.local_server.record import Wire

PICTURE_TOKENS = 1000
_MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_OPENAI_FIELDS = frozenset(
    {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content"}
)
_SHORT = (3, 6)
"""Words of an argument."""


@dataclass(frozen=True)
class Called:
    id: str
    name: str
    arguments: Mapping[str, Any]


def offered_tools(wire: Wire, body: Mapping[str, Any]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Name and schema of each tool that may be called."""
    if body.get("tool_choice") in ("none", {"type": "none"}):
        return ()
    if wire == "anthropic":
        return tuple((tool["name"], tool["input_schema"]) for tool in body.get("tools", ()))
    functions = (tool["function"] for tool in body.get("tools", ()))
    return tuple((each["name"], each.get("parameters", {})) for each in functions)


def made_calls(
    tools: tuple[tuple[str, Mapping[str, Any]], ...], key: str, draw: int, words: tuple[int, int]
) -> tuple[str, tuple[Called, ...]]:
    """By the draw: a call alone, one beside words, two calls, or words alone."""
    text = completion_text(key, draw, words)
    kind = (draw + int(uniform(key, "kind") * 4)) % 4
    if kind == 3 or not tools:
        return text, ()
    names = [tools[(draw + i) % len(tools)] for i in range(2 if kind == 2 else 1)]
    calls = tuple(
        Called(
            id=f"call_{key[:8]}_{draw}_{number}",
            name=name,
            arguments=_arguments(schema, completion_text(key, draw, _SHORT)),
        )
        for number, (name, schema) in enumerate(names)
    )
    return (text if kind == 1 else ""), calls


def _arguments(schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The marker of quality stands in the first text, so that judges find it."""
    values: dict[str, Any] = {}
    for name, about in schema.get("properties", {}).items():
        values[name] = 7 if about.get("type") in ("integer", "number") else text
    return values


def answers_a_tool(wire: Wire, body: Mapping[str, Any]) -> bool:
    last = (body.get("messages") or [{}])[-1]
    if wire == "openai":
        return last.get("role") == "tool"
    return any(block.get("type") == "tool_result" for block in _blocks(last.get("content")))


def pictures_of(body: Mapping[str, Any]) -> list[str]:
    """What was sent of each picture: a URL, or data in base64."""
    return [
        sent
        for message in body.get("messages", ())
        for block in _blocks(message.get("content"))
        for sent in _pictures_in(block)
    ]


def _pictures_in(block: Mapping[str, Any]) -> Iterator[str]:
    if block.get("type") == "image_url":
        yield block["image_url"]["url"]
    elif block.get("type") == "image":
        yield block["source"].get("data") or block["source"]["url"]
    elif block.get("type") == "tool_result":
        for inner in _blocks(block.get("content")):
            yield from _pictures_in(inner)


def _blocks(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def check_turns(wire: Wire, body: Mapping[str, Any]) -> None:
    """Raises ValueError as a server would refuse the request."""
    if wire == "anthropic":
        _check_anthropic(body)
    elif wire == "openai":
        _check_openai(body)


def _check_openai(body: Mapping[str, Any]) -> None:
    for tool in body.get("tools", ()):
        if tool.get("type") != "function" or not tool["function"]["name"]:
            raise ValueError("tools[].type must be function")
    waiting: list[str] = []
    for message in body.get("messages", ()):
        if unknown := message.keys() - _OPENAI_FIELDS:
            raise ValueError(f"messages: {sorted(unknown)} were unexpected")
        for block in _blocks(message.get("content")):
            _check_openai_part(block)
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])  # a ValueError for one that nothing called
            continue
        if waiting:
            raise ValueError(f"tool_call_ids did not have response messages: {waiting}")
        waiting += _called_ids(message)


def _called_ids(message: Mapping[str, Any]) -> list[str]:
    calls = message.get("tool_calls", ())
    if message.get("content") is None and not calls:
        raise ValueError("content: expected a string, got null")
    for call in calls:
        if call["type"] != "function":
            raise ValueError("tool_calls[].type must be function")
        json.loads(call["function"]["arguments"])
    return [call["id"] for call in calls]


def _check_openai_part(block: Mapping[str, Any]) -> None:
    if block["type"] == "text":
        if block.keys() - {"prompt_cache_breakpoint"} != {"type", "text"}:
            raise ValueError("a text part has type and text")
        return
    url = block["image_url"]["url"]
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        _check_data(head.removeprefix("data:").removesuffix(";base64"), data)
    elif not url.startswith("https://"):
        raise ValueError("image_url.url must be https or data")


def _check_data(media_type: str, data: str) -> None:
    if media_type not in _MEDIA_TYPES:
        raise ValueError(f"unsupported media type {media_type}")
    base64.b64decode(data, validate=True)


def _check_anthropic(body: Mapping[str, Any]) -> None:
    for tool in body.get("tools", ()):
        if tool["input_schema"]["type"] != "object":
            raise ValueError("tools.0.input_schema.type: must be object")
    waiting: set[str] = set()
    for message in body.get("messages", ()):
        if message["role"] not in ("user", "assistant"):
            raise ValueError(f"messages: unexpected role {message['role']}")
        if message.keys() != {"role", "content"}:
            raise ValueError("messages: extra inputs are not permitted")
        blocks = _blocks(message["content"])
        answered = {b["tool_use_id"] for b in blocks if b["type"] == "tool_result"}
        if answered != waiting:
            raise ValueError(f"tool_use ids {waiting} need tool_result blocks, got {answered}")
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if waiting and not body.get("tools"):
            raise ValueError("requests with tool_use blocks must define tools")
        for block in blocks:
            _check_block(block)


def _check_block(block: Mapping[str, Any]) -> None:
    if block["type"] == "text" and not block["text"].strip():
        raise ValueError("text content blocks must be non-empty")
    if block["type"] == "tool_use" and not (
        _ID.fullmatch(block["id"]) and isinstance(block["input"], dict)
    ):
        raise ValueError("tool_use: id or input are not as they must be")
    if block["type"] == "image" and block["source"]["type"] == "base64":
        _check_data(block["source"]["media_type"], block["source"]["data"])
    for inner in _blocks(block.get("content")):
        _check_block(inner)
