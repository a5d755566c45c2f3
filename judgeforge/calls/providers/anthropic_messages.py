"""Anthropic messages."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from judgeforge.calls.providers.anthropic_turns import anthropic_turns, system_texts, tools_of
from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    ReplySchema,
    Usage,
    asked_messages,
    chat_only,
    passed_on,
    reply_form,
    sends_temperature,
)
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.postponed import clients_of
from judgeforge.calls.providers.replies import (
    Beside,
    Count,
    calls_among,
    chat_reply,
    read_usage,
)
from judgeforge.config.model import ModelConfig, ReplyForm

_UNUSED = (
    *("lib", "types", "types.beta", "types.beta.environments", "types.beta.organization"),
    *("types.beta.organization.claude_code", "types.beta.sessions", "types.organization"),
    "types.shared",
)


class _Written(BaseModel):
    ephemeral_1h_input_tokens: Count = None


class _Usage(BaseModel):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: Beside[_Written] = None


class _Reply(BaseModel):
    content: Any
    error: object = None
    model: Beside[str] = None
    stop_reason: object = None
    usage: Beside[_Usage] = None


class AnthropicMessages(HttpProvider):
    endpoint = "/v1/messages"
    own_address = "https://api.anthropic.com"
    # The SDK's own spans would double those of calls/telemetry/; and what it says in headers of
    # the first request's span would go out with the copies of that request.
    client_options = MappingProxyType({"open_telemetry": {"traces": False, "propagation": False}})

    def load_sdk(self) -> tuple[Any, Any]:
        return clients_of("anthropic", "AsyncAnthropic", *_UNUSED)

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        messages, schema = asked_messages(model, request), request.reply_schema
        body: Body = {
            "model": model.model,
            "max_tokens": request.max_tokens,
            "messages": anthropic_turns(messages),
            **passed_on(model, request),
            **tools_of(request.tools, messages),
        }
        if texts := system_texts(messages):
            body["system"] = _system(texts, shared=schema is not None)
        if sends_temperature(model):
            body["temperature"] = request.temperature
        if schema is not None:
            form, given = reply_form(model, request), body.get("output_config", {})
            body |= _structured(form, schema, given)
        return body

    def read(self, raw: bytes) -> ModelReply:
        return _as_reply(parsed(_Reply, raw, what="message"))


def _system(texts: list[str], *, shared: bool) -> list[dict[str, Any]]:
    """A judge's rubric is the same for all calls: marked, it is paid at the cached price."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    if shared:
        blocks[-1]["cache_control"] = {"type": "ephemeral"}
    return blocks


def _structured(form: ReplyForm, reply: ReplySchema, given: Body) -> Body:
    """``given``: the ``output_config`` of the model's ``params``, such as its ``effort``."""
    if form == "json_schema":
        shape = {"type": "json_schema", "schema": reply.schema}
        return {"output_config": {**given, "format": shape}}
    if form == "tool":
        return {
            "tools": [{"name": reply.name, "input_schema": reply.schema}],
            "tool_choice": {"type": "tool", "name": reply.name},
        }
    return {}


def _as_reply(reply: _Reply) -> ModelReply:
    return chat_reply(
        reply.content,
        tool_calls=calls_among(reply.content),
        end=reply.stop_reason,
        error=reply.error,
        usage=_usage(reply.usage),
        model=reply.model,
    )


def _usage(used: _Usage | None) -> Usage | None:
    """Anthropic counts what comes from its cache and what goes there beside the input."""
    if used is None or used.input_tokens is None:
        return None
    cached, written = used.cache_read_input_tokens, used.cache_creation_input_tokens
    parts = used.cache_creation or _Written()
    return read_usage(
        input_tokens=used.input_tokens + (cached or 0) + (written or 0),
        output_tokens=used.output_tokens,
        cached=cached,
        written=written,
        written_for_an_hour=parts.ephemeral_1h_input_tokens,
    )
