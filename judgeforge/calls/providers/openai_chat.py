"""OpenAI chat completions, and every server that speaks them (``base_url``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import AliasChoices, BaseModel, Field

from judgeforge.calls.providers.answers import clean, end_of_both
from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    ReplySchema,
    asked_messages,
    chat_only,
    max_tokens_field,
    passed_on,
    reply_form,
    sends_temperature,
)
from judgeforge.calls.providers.encoding import json_schema_format
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.calls.providers.openai_turns import openai_turns
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.replies import (
    Beside,
    Logprobs,
    TokenUsage,
    asked_logprobs,
    calls_among,
    chat_reply,
    plain_text,
    read_call,
    token_probabilities,
)
from judgeforge.config.model import ModelConfig, ReplyForm
from judgeforge.errors import MalformedReplyError
from judgeforge.text.messages import ToolCall


class _Function(BaseModel):
    name: Beside[str] = None
    arguments: Any = Field(None, validation_alias=AliasChoices("arguments", "parameters", "input"))


class _ToolCall(_Function):
    """Some servers put name and arguments beside the id."""

    id: Beside[str] = None
    function: Beside[_Function] = None
    custom: Beside[_Function] = None

    @property
    def called(self) -> _Function | None:
        return self.function or self.custom or (self if self.name else None)


class _Message(BaseModel):
    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    thinking: Any = None
    reasoning_details: Any = None
    thinking_blocks: Any = None
    tool_calls: Beside[list[Beside[_ToolCall]] | _ToolCall] = None
    function_call: Beside[_Function] = None

    @property
    def thoughts(self) -> str:
        """Of the places in which servers put them, some are there without anything in them."""
        places = (
            self.reasoning_content, self.reasoning, self.thinking,
            self.reasoning_details, self.thinking_blocks,
        )  # fmt: skip
        for each in places:
            if each is not None and (text := plain_text(each)).strip():
                return text
        return ""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        if self.tool_calls is None and self.function_call is None:
            return calls_among(self.content)
        return tuple(
            read_call(given_id, function.name, function.arguments, number)
            for number, (given_id, function) in enumerate(self._called(), start=1)
        )

    def _called(self) -> Iterable[tuple[str | None, _Function]]:
        given = self.tool_calls or ()
        for each in given if isinstance(given, list | tuple) else (given,):
            if each is not None and (function := each.called) is not None:
                yield each.id, function
        if not given and self.function_call is not None:
            yield None, self.function_call


class _Choice(BaseModel):
    index: Beside[int] = None
    message: _Message
    finish_reason: object = None
    native_finish_reason: object = None
    error: object = None
    logprobs: Beside[Logprobs] = None


class _Reply(BaseModel):
    choices: list[_Choice]
    error: object = None
    model: Beside[str] = None
    usage: Beside[TokenUsage] = None


class OpenAIChat(HttpProvider):
    endpoint = "/chat/completions"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        schema = request.reply_schema
        body: Body = {
            "model": model.model,
            "messages": openai_turns(model, asked_messages(model, request)),
            max_tokens_field(model): request.max_tokens,
            **passed_on(model, request),
        }
        if sends_temperature(model):
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        if request.tools is not None:
            body["tools"] = json.loads(request.tools)
        if schema is not None:
            body |= _structured(reply_form(model, request), schema)
        body |= asked_logprobs(request)
        return body

    def read(self, raw: bytes) -> ModelReply:
        return read_chat_completion(raw)


def _structured(form: ReplyForm, reply: ReplySchema) -> Body:
    if form == "json_schema":
        return json_schema_format(reply)
    if form == "tool":
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
    choice, *others = sorted(reply.choices, key=lambda one: one.index or 0)
    message = choice.message
    usage = None if reply.usage is None else reply.usage.read()
    if refused := plain_text(message.refusal):
        return ModelReply(clean(refused), "refusal", usage, model=reply.model)
    return chat_reply(
        message.content,
        apart=message.thoughts,
        tool_calls=message.calls or _calls_apart(others),
        end=end_of_both(choice.finish_reason, choice.native_finish_reason),
        error=choice.error or reply.error,
        usage=usage,
        model=reply.model,
        tokens=token_probabilities(choice.logprobs),
    )


def _calls_apart(others: Sequence[_Choice]) -> tuple[ToolCall, ...]:
    """Some gateways give words and calls of one answer as two choices."""
    for other in others:
        if calls := other.message.calls:
            return calls
    return ()
