"""Anthropic messages."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    RawReply,
    ReplySchema,
    Usage,
    chat_only,
    passed_on,
    sends_temperature,
    with_instruction,
)
from judgeforge.calls.providers.http import SdkConnection
from judgeforge.calls.providers.replies import (
    Count,
    clean,
    ended,
    parsed,
    read_usage,
    split_reasoning,
)
from judgeforge.config.model import ModelConfig

BASE_URL = "https://api.anthropic.com"


class _Block(BaseModel):
    type: str
    text: str | None = None
    thinking: str | None = None
    input: dict[str, Any] | None = None


class _Usage(BaseModel):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None


class _Reply(BaseModel):
    content: list[_Block]
    model: str | None = None
    stop_reason: object = None
    usage: _Usage | None = None


class AnthropicMessages:
    endpoint = "/v1/messages"

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self.base_url = base_url or BASE_URL
        self._connection = SdkConnection(_load_sdk, self.base_url, key)

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        messages, schema = request.messages, request.reply_schema
        if schema is not None and model.structured == "instruction":
            messages = with_instruction(messages, schema)
        body: Body = {
            "model": model.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": m.role, "content": m.content} for m in messages if m.role != "system"
            ],
            **passed_on(model, request),
        }
        if messages and messages[0].role == "system":
            body["system"] = [_system(messages[0].content, shared=schema is not None)]
        if sends_temperature(model):
            body["temperature"] = request.temperature
        if schema is not None:
            body |= _structured(model, schema, body.get("output_config", {}))
        return body

    def read(self, raw: bytes) -> ModelReply:
        return _as_reply(parsed(_Reply, raw, what="message"))

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        return await self._connection.post(self.endpoint, body, model)

    async def close(self) -> None:
        await self._connection.close()


def _load_sdk() -> tuple[Any, Any]:
    import anthropic

    return anthropic, anthropic.AsyncAnthropic


def _system(text: str, *, shared: bool) -> dict[str, Any]:
    """A judge's rubric is the same for all calls: marked, it is paid at the cached price."""
    block: dict[str, Any] = {"type": "text", "text": text}
    if shared:
        block["cache_control"] = {"type": "ephemeral"}
    return block


def _structured(model: ModelConfig, reply: ReplySchema, given: Body) -> Body:
    """``given``: the ``output_config`` of the model's ``params``, such as its ``effort``."""
    if model.structured == "json_schema":
        return {"output_config": {**given, "format": _format(reply)}}
    if model.structured == "tool":
        return {
            "tools": [{"name": reply.name, "input_schema": reply.schema}],
            "tool_choice": {"type": "tool", "name": reply.name},
        }
    return {}


def _format(reply: ReplySchema) -> dict[str, Any]:
    return {"type": "json_schema", "schema": reply.schema}


def _as_reply(reply: _Reply) -> ModelReply:
    text = "".join(block.text or "" for block in reply.content if block.type == "text")
    tool = next((block.input for block in reply.content if block.type == "tool_use"), None)
    if not text.strip() and tool is not None:
        text = json.dumps(tool, ensure_ascii=False)
    thinking = "\n".join(b.thinking for b in reply.content if b.type == "thinking" and b.thinking)
    text, thought = split_reasoning(clean(text))
    finish, end = ended(reply.stop_reason, text)
    return ModelReply(
        text, finish, _usage(reply.usage), reasoning=thinking or thought, end=end, model=reply.model
    )


def _usage(used: _Usage | None) -> Usage | None:
    """Anthropic counts what comes from its cache and what goes there beside the input."""
    if used is None or used.input_tokens is None:
        return None
    cached, written = used.cache_read_input_tokens, used.cache_creation_input_tokens
    return read_usage(
        input_tokens=used.input_tokens + (cached or 0) + (written or 0),
        output_tokens=used.output_tokens,
        cached=cached,
        written=written,
    )
