"""Words of models and users as attributes of spans: only where the user asks for them.

The variable is that of the official instrumentations; words are those of the GenAI conventions, as
JSON text, since attributes of spans are flat. Pictures are named and left out.
"""

from __future__ import annotations

import json
import os
from typing import Any

from judgeforge.calls.providers.base import ModelReply, ModelRequest
from judgeforge.calls.telemetry.conventions import CAPTURE_CONTENT
from judgeforge.text.messages import Message, TextPart, ToolCall
from judgeforge.text.redaction import redact

_ON = frozenset({"true", "1", "span_only", "span_and_event"})


def is_wanted() -> bool:
    """Whether spans are to have what was said, and events why a judge said it."""
    return os.environ.get(CAPTURE_CONTENT, "").strip().lower() in _ON


def asked(request: ModelRequest) -> str:
    """The messages of a request."""
    return _encoded([_turn(message) for message in request.messages])


def answered(reply: ModelReply) -> str:
    """The message of a reply."""
    parts: list[dict[str, Any]] = []
    if reply.reasoning:
        parts.append({"type": "reasoning", "content": reply.reasoning})
    if reply.text:
        parts.append(_text(reply.text))
    parts += map(_call, reply.tool_calls)
    return _encoded([{"role": "assistant", "parts": parts}])


def _turn(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        found = {"type": "tool_call_response", "id": message.tool_call_id, "result": message.text}
        return {"role": "tool", "parts": [found]}
    said = message.content
    parts = [_text(said)] if isinstance(said, str) else []
    if isinstance(said, tuple):
        parts = [
            _text(one.text) if isinstance(one, TextPart) else {"type": "image"} for one in said
        ]
    return {"role": message.role, "parts": [*parts, *map(_call, message.tool_calls)]}


def _text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_call",
        "id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _encoded(messages: list[dict[str, Any]]) -> str:
    return redact(json.dumps(messages, ensure_ascii=False))
