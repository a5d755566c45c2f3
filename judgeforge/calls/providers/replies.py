"""What reading a reply needs, whatever its API: parts, usage, token probabilities.

Only the fields that are used are parsed; an answer is never lost to a character or to what stands
beside it. Token probabilities have the shape of OpenAI's chat completions, which local engines
share.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import with_default_schema

from judgeforge.calls.providers.answers import clean, ended
from judgeforge.calls.providers.base import ChatRequest, ModelReply, TokenProbability, Usage
from judgeforge.calls.providers.template_marks import without_template_marks
from judgeforge.calls.providers.thoughts import answer_and_thought, without_turn_marks
from judgeforge.text.messages import ToolCall

Count = float | None
"""A number of tokens as a server may write it: also null, negative, fractional or infinite."""

T = TypeVar("T")


class _AbsentIfUnreadable:
    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        return with_default_schema(handler(source), default=None, on_error="default")


Beside = Annotated[T | None, _AbsentIfUnreadable]
"""What stands beside the answer: absent where it cannot be read, so that it never costs one."""

_MOST = 2.0**53
"""Beyond it a JSON number is not an exact count."""
_TEXT_FIELDS = (
    "text", "thinking", "reasoning", "content", "summary", "value", "refusal"
)  # fmt: skip
_DEEPEST_PART = 4
_KINDS_OF_PARTS = ("text", "think", "reason", "thought", "refusal")


class _Alternative(BaseModel):
    token: str
    logprob: float | None = None
    """None, which some servers write for what is impossible."""


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class Logprobs(BaseModel):
    content: list[_Token] | None = None


class _InputDetails(BaseModel):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class _OutputDetails(BaseModel):
    reasoning_tokens: Count = None


_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS = _InputDetails(), _OutputDetails()


class TokenUsage(BaseModel):
    """Tokens in the shape of OpenAI's APIs; chat and decisions name the same counts differently."""

    input_tokens: Count = Field(
        None, validation_alias=AliasChoices("prompt_tokens", "input_tokens")
    )
    output_tokens: Count = Field(
        None, validation_alias=AliasChoices("completion_tokens", "output_tokens")
    )
    total_tokens: Count = None
    inputs: Beside[_InputDetails] = Field(
        None, validation_alias=AliasChoices("prompt_tokens_details", "input_tokens_details")
    )
    outputs: Beside[_OutputDetails] = Field(
        None, validation_alias=AliasChoices("completion_tokens_details", "output_tokens_details")
    )

    def read(self) -> Usage | None:
        inputs, outputs = self.inputs or _NO_INPUT_DETAILS, self.outputs or _NO_OUTPUT_DETAILS
        return read_usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            total_tokens=self.total_tokens,
            cached=inputs.cached_tokens,
            written=inputs.cache_write_tokens,
            reasoning=outputs.reasoning_tokens,
        )


def read_usage(
    *,
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count = None,
    cached: Count = None,
    written: Count = None,
    written_for_an_hour: Count = None,
    reasoning: Count = None,
) -> Usage | None:
    """None where a number that decides the price is missing or cannot be true: the call is then
    billed at its upper bound.

    ``input_tokens`` is the whole input; ``cached`` and ``written`` (to a cache) are parts of it, 0
    where they are not given, and ``written_for_an_hour`` is a part of the latter. Some servers
    (xAI) count reasoning in ``total_tokens`` only, and bill it as output.
    """
    if input_tokens is None or output_tokens is None:
        return None
    output = max(output_tokens, (total_tokens or 0.0) - input_tokens)
    cached, written, hour = cached or 0.0, written or 0.0, written_for_an_hour or 0.0
    for number in {input_tokens, output_tokens, output, cached, written, hour}:
        if number and not _is_count(number):
            return None
    if input_tokens == 0 or cached + written > input_tokens or hour > written:
        return None
    return Usage(
        input_tokens=int(input_tokens),
        output_tokens=int(output),
        cached_input_tokens=int(cached),
        cache_write_tokens=int(written),
        reasoning_tokens=int(reasoning) if reasoning and _is_count(reasoning) else 0,
        hour_write_tokens=int(hour),
    )


def asked_logprobs(request: ChatRequest) -> dict[str, Any]:
    """The fields of the body that ask for probabilities, if any are asked for."""
    if request.top_logprobs is None:
        return {}
    return {"logprobs": True, "top_logprobs": request.top_logprobs}


def token_probabilities(logprobs: Logprobs | None) -> tuple[TokenProbability, ...]:
    if logprobs is None or logprobs.content is None:
        return ()
    return tuple(_with_alternatives(token) for token in logprobs.content)


def chat_reply(
    content: object,
    *,
    apart: str = "",
    tool_calls: tuple[ToolCall, ...],
    end: object,
    usage: Usage | None,
    model: str | None,
    error: object = None,
    tokens: tuple[TokenProbability, ...] = (),
) -> ModelReply:
    """``content``: a text or a list of parts. ``apart``: thoughts that came beside it.

    ``end``: the server's word for how it ended. ``error``: what it says went wrong on the way.
    """
    text, among_parts, refused = _in_parts(content)
    if refused:
        return ModelReply(clean(refused), "refusal", usage, model=model)
    text, thought = answer_and_thought(clean(text), apart.strip() or among_parts.strip() or None)
    text = without_turn_marks(without_template_marks(text))
    has_words, arguments = bool(text.strip()), None
    if tool_calls:
        arguments = next((call.arguments for call in tool_calls if call.arguments.strip()), None)
    has_words = has_words or arguments is None
    if not has_words:
        text = clean(arguments or "")
    finish, unusual_end = ended(end, text, error)
    return ModelReply(
        text,
        finish,
        usage,
        reasoning=clean(thought) if thought else None,
        end=unusual_end,
        tool_calls=tool_calls,
        has_words=has_words,
        model=model,
        tokens=tokens,
    )


def _in_parts(content: object) -> tuple[str, str, str]:
    """The text of a reply that is a text or a list of parts, with the thoughts and the refusal
    among the parts.

    A server that has read the model's JSON itself sends its value: a number, or an object.
    """
    if isinstance(content, str):
        return content, "", ""
    if isinstance(content, int | float) or (isinstance(content, Mapping) and _is_value(content)):
        return json.dumps(content, ensure_ascii=False), "", ""
    answer, thought, refused = [], [], []
    for part in content if isinstance(content, list) else [content]:
        kind = str(part.get("type", "")) if isinstance(part, Mapping) else ""
        is_thought = isinstance(part, Mapping) and part.get("thought") is True  # of Gemini
        if is_thought or "think" in kind or "reason" in kind or "thought" in kind:
            thought.append(plain_text(part))
        elif kind == "refusal":
            refused.append(plain_text(part))
        elif not kind or "text" in kind:
            answer.append(plain_text(part))
    return "".join(answer), "\n".join(filter(None, thought)), "".join(refused)


def _is_value(content: Mapping[str, Any]) -> bool:
    """Whether it is what the model wrote, and no part of a reply: those say what they are."""
    if "type" in content:
        return not any(name in str(content["type"]) for name in _KINDS_OF_PARTS)
    return bool(content) and not (len(content) == 1 and content.keys() <= {*_TEXT_FIELDS})


def plain_text(value: object, depth: int = 0) -> str:
    """The text of a part, in whichever of the usual fields it is; empty where there is none."""
    if isinstance(value, str):
        return value
    if value is None or depth > _DEEPEST_PART:
        return ""
    if isinstance(value, list):
        return "".join(plain_text(each, depth + 1) for each in value)
    if isinstance(value, Mapping):
        found = (plain_text(value.get(name), depth + 1) for name in _TEXT_FIELDS)
        return next(filter(None, found), "")
    return ""


def arguments_text(arguments: object) -> str | None:
    """Of a tool call: the JSON of a value, or what is such a text already."""
    if isinstance(arguments, Mapping | list | int | float):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments if isinstance(arguments, str) and arguments.strip() else None


def calls_among(content: object) -> tuple[ToolCall, ...]:
    """The calls among the parts of a reply, in Anthropic's shape."""
    if isinstance(content, str):
        return ()
    parts = content if isinstance(content, list) else [content]
    blocks = (each for each in parts if isinstance(each, Mapping) and "input" in each)
    called = [each for each in blocks if each.get("type", "tool_use") == "tool_use"]
    return tuple(
        read_call(each.get("id"), each.get("name"), each["input"], number)
        for number, each in enumerate(called, start=1)
    )


def read_call(given_id: object, name: object, arguments: object, number: int) -> ToolCall:
    """A call as the model made it, whatever its arguments are: that is for judges to say."""
    return ToolCall(
        id=clean(given_id) if isinstance(given_id, str) and given_id else f"call_{number}",
        name=clean(name) if isinstance(name, str) else "",
        arguments=clean(arguments_text(arguments) or ""),
    )


def _is_count(number: float) -> bool:
    return 0 <= number <= _MOST and number == int(number)


def _with_alternatives(token: _Token) -> TokenProbability:
    alternatives = {
        each.token: each.logprob
        for each in (*(token.top_logprobs or ()), token)
        if each.logprob is not None and not math.isnan(each.logprob)
    }
    return TokenProbability(token.token, tuple(alternatives.items()))
