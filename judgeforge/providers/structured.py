"""Asking for a reply in a schema by words, where an API has no other way."""

from __future__ import annotations

import json

from judgeforge.providers.base import ReplySchema
from judgeforge.records import Message


def with_instruction(messages: tuple[Message, ...], reply: ReplySchema) -> tuple[Message, ...]:
    """Append the schema to the system message, so that the prefix stays the same for all calls."""
    schema = json.dumps(reply.schema, ensure_ascii=False)
    words = f"Answer with one JSON object that follows this JSON Schema and nothing else:\n{schema}"
    if messages and messages[0].role == "system":
        first = Message(role="system", content=f"{messages[0].content}\n\n{words}")
        return (first, *messages[1:])
    return (Message(role="system", content=words), *messages)
