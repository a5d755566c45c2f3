"""What bodies of chat need that is the same for several APIs.

How known models differ (the configuration overrides each of these), and how a reply in a schema is
asked for by words where an API has no other way.
"""

from __future__ import annotations

import json
import re

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.config.model import ModelConfig
from judgeforge.records import Message

_NO_TEMPERATURE = re.compile(r"^(o\d|gpt-[5-9])", re.IGNORECASE)
"""Reasoning models of OpenAI take the default temperature only."""


def sends_temperature(model: ModelConfig) -> bool:
    if model.send_temperature is not None:
        return model.send_temperature
    if not model.facts.takes_temperature:
        return False
    return model.base_url is not None or not _NO_TEMPERATURE.match(model.model)


def max_tokens_field(model: ModelConfig) -> str:
    """OpenAI's own API prefers the newer name; compatible servers know the older one."""
    if model.max_tokens_field is not None:
        return model.max_tokens_field
    return model.facts.max_tokens_field if model.base_url is None else "max_tokens"


def with_instruction(messages: tuple[Message, ...], reply: ReplySchema) -> tuple[Message, ...]:
    """Append the schema to the system message, so that the prefix stays the same for all calls."""
    schema = json.dumps(reply.schema, ensure_ascii=False)
    words = f"Answer with one JSON object that follows this JSON Schema and nothing else:\n{schema}"
    if messages and messages[0].role == "system":
        first = Message(role="system", content=f"{messages[0].content}\n\n{words}")
        return (first, *messages[1:])
    return (Message(role="system", content=words), *messages)
