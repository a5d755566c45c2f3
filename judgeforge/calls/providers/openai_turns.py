"""Turns of a conversation as chat completions take them.

Thoughts of earlier turns are sent only where a model's configuration says so (`send_reasoning`):
OpenAI's own API refuses the field, and the servers that want it call it ``reasoning_content``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from judgeforge.calls.providers.pictures import picture_of
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import ImageUrl, Message, Part, TextPart


def openai_turns(model: ModelConfig, messages: Sequence[Message]) -> list[dict[str, Any]]:
    if model.base_url is not None or model.facts.in_process:
        messages = _of_the_system(messages)
    return [_turn(model, message) for message in messages]


def _of_the_system(messages: Sequence[Message]) -> Sequence[Message]:
    """Chat templates of open models know no developer: what one says is the system's.

    Many leave a message of a role that they do not know out, without a word.
    """
    if "developer" not in [message.role for message in messages]:
        return messages
    first = [message for message in messages if message.role in {"system", "developer"}]
    said = "\n\n".join(message.text for message in first)
    return [Message(role="system", content=said), *messages[len(first) :]]


def _turn(model: ModelConfig, message: Message) -> dict[str, Any]:
    content = message.content
    turn: dict[str, Any] = {
        "role": message.role,
        "content": [*map(_part, content)] if isinstance(content, tuple) else content,
    }
    if message.tool_calls:
        turn["tool_calls"] = [call.model_dump() for call in message.tool_calls]
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        turn["name"] = message.name
    if message.reasoning_content is not None and model.send_reasoning:
        turn["reasoning_content"] = message.reasoning_content
    return turn


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": _image(part.image_url)}


def _image(image: ImageUrl) -> dict[str, Any]:
    picture = picture_of(image)
    sent = {"url": image.url if picture is None else picture.data_url}
    return sent if image.detail is None else {**sent, "detail": image.detail}
