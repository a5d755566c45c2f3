"""OpenAI chat completions, and every server that speaks them (``base_url``)."""

from __future__ import annotations

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    ReplySchema,
    asked_messages,
    chat_only,
    max_tokens_field,
    sends_temperature,
)
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.calls.providers.replies import (
    Logprobs,
    TokenUsage,
    asked_logprobs,
    clean,
    parsed,
    split_reasoning,
    token_probabilities,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import MalformedReplyError
from judgeforge.records import Finish

_FINISH: dict[str | None, Finish] = {"length": "length", "content_filter": "content_filter"}


class _Function(BaseModel):
    arguments: str


class _ToolCall(BaseModel):
    function: _Function


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class _Reply(BaseModel):
    choices: list[_Choice]
    model: str | None = None
    usage: TokenUsage | None = None


class OpenAIChat(HttpProvider):
    endpoint = "/chat/completions"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        schema = request.reply_schema
        body: Body = {
            "model": model.model,
            "messages": [
                {"role": m.role, "content": m.content} for m in asked_messages(model, request)
            ],
            max_tokens_field(model): request.max_tokens,
            **model.passed_on,
        }
        if sends_temperature(model):
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        if schema is not None:
            body |= _structured(model, schema)
        return body | asked_logprobs(request)

    def read(self, raw: bytes) -> ModelReply:
        return read_chat_completion(raw)


def json_schema_format(reply: ReplySchema) -> Body:
    form = {"name": reply.name, "strict": True, "schema": reply.schema}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


def _structured(model: ModelConfig, reply: ReplySchema) -> Body:
    if model.structured == "json_schema":
        return json_schema_format(reply)
    if model.structured == "tool":
        function = {"name": reply.name, "strict": True, "parameters": reply.schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": reply.name}},
        }
    return {}


def read_chat_completion(raw: bytes) -> ModelReply:
    """Read a chat completion. Raises MalformedReplyError."""
    reply = parsed(_Reply, raw, what="chat completion")
    if not reply.choices:
        raise MalformedReplyError("the reply contains no choice")
    choice = reply.choices[0]
    message = choice.message
    usage = None if reply.usage is None else reply.usage.read()
    if message.refusal:
        return ModelReply(clean(message.refusal), "refusal", usage, model=reply.model)
    text = message.content or ""
    if not text and message.tool_calls:
        text = message.tool_calls[0].function.arguments
    text, thought = split_reasoning(clean(text))
    finish: Finish = _FINISH.get(choice.finish_reason, "stop" if text.strip() else "empty")
    return ModelReply(
        text,
        finish,
        usage,
        reasoning=message.reasoning_content or message.reasoning or thought,
        model=reply.model,
        tokens=token_probabilities(choice.logprobs),
    )
