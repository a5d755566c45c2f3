"""OpenAI chat completions, and every server that speaks them (``base_url``)."""

from __future__ import annotations

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    RawReply,
    ReplySchema,
    Usage,
    chat_only,
    max_tokens_field,
    passed_on,
    sends_temperature,
    with_instruction,
)
from judgeforge.calls.providers.http import openai_connection
from judgeforge.calls.providers.replies import (
    Count,
    Logprobs,
    asked_logprobs,
    clean,
    ended,
    parsed,
    read_usage,
    split_reasoning,
    token_probabilities,
)
from judgeforge.config.model import ModelConfig
from judgeforge.errors import MalformedReplyError


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
    finish_reason: object = None
    error: object = None
    logprobs: Logprobs | None = None


class _InputDetails(BaseModel):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class _OutputDetails(BaseModel):
    reasoning_tokens: Count = None


class _Usage(BaseModel):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Reply(BaseModel):
    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


class OpenAIChat:
    endpoint = "/chat/completions"

    def __init__(self, base_url: str | None, key: str | None) -> None:
        self._connection = openai_connection(base_url, key)
        self.base_url = self._connection.base_url

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        messages, schema = request.messages, request.reply_schema
        if schema is not None and model.structured == "instruction":
            messages = with_instruction(messages, schema)
        body: Body = {
            "model": model.model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            max_tokens_field(model): request.max_tokens,
            **passed_on(model, request),
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

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        return await self._connection.post(self.endpoint, body, model)

    async def close(self) -> None:
        await self._connection.close()


def _structured(model: ModelConfig, reply: ReplySchema) -> Body:
    if model.structured == "json_schema":
        form = {"name": reply.name, "strict": True, "schema": reply.schema}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
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
        raise MalformedReplyError("the reply holds no choice")
    choice = reply.choices[0]
    message = choice.message
    if message.refusal:
        return ModelReply(clean(message.refusal), "refusal", _usage(reply.usage), model=reply.model)
    text = message.content or ""
    if not text and message.tool_calls:
        text = message.tool_calls[0].function.arguments
    text, thought = split_reasoning(clean(text))
    finish, end = ended(choice.finish_reason, text, choice.error)
    return ModelReply(
        text,
        finish,
        _usage(reply.usage),
        reasoning=message.reasoning_content or message.reasoning or thought,
        end=end,
        model=reply.model,
        tokens=token_probabilities(choice.logprobs),
    )


def _usage(used: _Usage | None) -> Usage | None:
    if used is None:
        return None
    inputs = used.prompt_tokens_details or _InputDetails()
    outputs = used.completion_tokens_details or _OutputDetails()
    return read_usage(
        input_tokens=used.prompt_tokens,
        output_tokens=used.completion_tokens,
        total_tokens=used.total_tokens,
        cached=inputs.cached_tokens,
        written=inputs.cache_write_tokens,
        reasoning=outputs.reasoning_tokens,
    )
