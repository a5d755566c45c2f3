"""What reading a reply needs, whatever its API: parsing, usage, token probabilities, thoughts.

Only the fields that are used are parsed; an answer is never lost to a character or to its
bookkeeping. Token probabilities have the shape of OpenAI's chat completions, which local engines
share. Reasoning that a model writes into its answer is taken out and kept apart.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from judgeforge.calls.providers.base import ChatRequest, TokenProbability, Usage
from judgeforge.errors import MalformedReplyError
from judgeforge.text.wording import first_problem

Count = float | None
"""A number of tokens as a server may write it: also null, negative, fractional or infinite. A reply
with something else in its place belongs to another API."""

M = TypeVar("M", bound=BaseModel)

_MOST = 2.0**53
"""Beyond it a JSON number is not an exact count."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_OPEN, _CLOSE = "<think>", "</think>"


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class Logprobs(BaseModel):
    content: list[_Token] | None = None


def parsed(model: type[M], raw: bytes, *, what: str) -> M:
    """``what``: the kind of reply that it should be. Raises MalformedReplyError where it is not."""
    try:
        return _parsed(model, raw)
    except ValidationError as error:
        if _is_stream(raw):
            raise MalformedReplyError(
                "the reply is a stream, which was not asked for: turn streaming off in the server "
                f"or the gateway in front of it: {raw[:80]!r}"
            ) from error
        raise MalformedReplyError(
            f"the reply is not a {what} ({first_problem(error)}): {raw[:80]!r}"
        ) from error


class _InputDetails(BaseModel):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class _OutputDetails(BaseModel):
    reasoning_tokens: Count = None


class TokenUsage(BaseModel):
    """Tokens in the shape of OpenAI's APIs; chat and decisions name the same counts differently."""

    input_tokens: Count = Field(
        None, validation_alias=AliasChoices("prompt_tokens", "input_tokens")
    )
    output_tokens: Count = Field(
        None, validation_alias=AliasChoices("completion_tokens", "output_tokens")
    )
    total_tokens: Count = None
    inputs: _InputDetails | None = Field(
        None, validation_alias=AliasChoices("prompt_tokens_details", "input_tokens_details")
    )
    outputs: _OutputDetails | None = Field(
        None, validation_alias=AliasChoices("completion_tokens_details", "output_tokens_details")
    )

    def read(self) -> Usage | None:
        inputs, outputs = self.inputs or _InputDetails(), self.outputs or _OutputDetails()
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
    reasoning: Count = None,
) -> Usage | None:
    """None where a number that decides the price is missing or cannot be true: the call is then
    billed at its upper bound.

    ``input_tokens`` is the whole input; ``cached`` and ``written`` (to a cache) are parts of it, 0
    where they are not given. Some servers (xAI) count reasoning in ``total_tokens`` only, and bill
    it as output.
    """
    if input_tokens is None or output_tokens is None:
        return None
    output = max(output_tokens, (total_tokens or 0.0) - input_tokens)
    cached, written = cached or 0.0, written or 0.0
    if not all(map(_is_count, (input_tokens, output_tokens, output, cached, written))):
        return None
    if input_tokens == 0 or cached + written > input_tokens:
        return None
    return Usage(
        input_tokens=int(input_tokens),
        output_tokens=int(output),
        cached_input_tokens=int(cached),
        cache_write_tokens=int(written),
        reasoning_tokens=int(reasoning) if reasoning and _is_count(reasoning) else 0,
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


def split_reasoning(text: str) -> tuple[str, str | None]:
    """Split ``<think>…</think>answer`` into answer and reasoning.

    Some chat templates open the tag in the prompt, so that only the closing one is in the reply.
    Without a closing tag everything after the opening one is reasoning: the answer never came.
    """
    stripped = text.lstrip()
    opened = stripped.startswith(_OPEN)
    inner = stripped[len(_OPEN) :] if opened else text
    if _CLOSE in inner and (opened or _OPEN not in inner.split(_CLOSE, 1)[0]):
        reasoning, answer = inner.split(_CLOSE, 1)
        return answer.lstrip(), reasoning.strip()
    if opened:
        return "", inner.strip()
    return text, None


def clean(text: str) -> str:
    """Replace lone surrogates, which no file and no API can carry."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _parsed(model: type[M], raw: bytes) -> M:
    """A model may write half a surrogate pair, which JSON can escape but UTF-8 cannot hold: it
    becomes U+FFFD, so that the paid reply is not lost.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError:
        if rb"\ud" not in raw.lower():
            raise
        return model.model_validate_json(_without_halves(raw))


def _is_stream(raw: bytes) -> bool:
    """Server-sent events, or one JSON object a line."""
    first, _, more = raw.lstrip().partition(b"\n")
    if first.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        return True
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and more.startswith(b"{")


def _without_halves(raw: bytes) -> str:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode(errors="replace")
    return _HALF_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", json.dumps(value, ensure_ascii=False))


def _is_count(number: float) -> bool:
    return 0 <= number <= _MOST and number % 1 == 0


def _with_alternatives(token: _Token) -> TokenProbability:
    alternatives = {each.token: each.logprob for each in (*token.top_logprobs, token)}
    return TokenProbability(token.token, tuple(alternatives.items()))
