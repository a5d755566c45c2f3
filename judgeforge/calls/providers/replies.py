"""What the replies of all APIs need in order to be read.

The bytes become a model of just the fields that are used; an answer is never lost to a character
or to its bookkeeping. Token probabilities have the shape of OpenAI's chat completions, which local
engines share. Reasoning that a model writes into its answer is taken out of it and kept apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from judgeforge.calls.providers.base import ChatRequest, TokenProbability, Usage
from judgeforge.errors import MalformedReplyError
from judgeforge.records import Finish
from judgeforge.text.wording import first_problem, shortened

Count = float | None
"""A number of tokens as a server may write it: also null, negative, fractional or endless. What
reads as no number at all is a reply of another API."""

M = TypeVar("M", bound=BaseModel)

_MOST = 2.0**53
"""Beyond it a JSON number is no exact count."""
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
    """``what`` the reply should be. Raises MalformedReplyError where it is none."""
    try:
        return _parsed(model, raw)
    except ValidationError as error:
        raise MalformedReplyError(
            f"the reply is no {what} ({first_problem(error)}): {raw[:80]!r}"
        ) from error


def read_usage(
    *,
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count = None,
    cached: Count = None,
    written: Count = None,
    reasoning: Count = None,
) -> Usage | None:
    """None where a number that decides the price is missing or cannot be true: then the call
    counts at its most.

    ``input_tokens`` is the whole input, ``cached`` and ``written`` (to a cache) are parts of it,
    none where they are not said. Some servers (xAI) count reasoning in ``total_tokens`` only, and
    bill it as output.
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
    """Fields of the body; none where no probabilities are asked for."""
    if request.top_logprobs is None:
        return {}
    return {"logprobs": True, "top_logprobs": request.top_logprobs}


def token_probabilities(logprobs: Logprobs | None) -> tuple[TokenProbability, ...]:
    if logprobs is None or logprobs.content is None:
        return ()
    return tuple(_with_alternatives(token) for token in logprobs.content)


_ENDS: Mapping[Finish, str] = {
    "stop": "stop stopped stop_sequence stop_token stop_word stop_str eos eos_token eos_token_id "
    "eos_found end end_turn end_of_turn end_of_text end_of_sequence complete completed completion "
    "done finish finished success tool_calls tool_call tool_use tool function_call none null",
    "length": "length max_tokens max_token max_new_tokens max_output_tokens max_completion_tokens "
    "max_length max_tokens_reached max_tokens_exceeded token_limit token_limit_reached limit "
    "model_length model_context_window_exceeded context_length context_length_exceeded "
    "context_window context_window_exceeded context_limit length_limit output_limit truncated",
    "content_filter": "content_filter content_filtered content_filtering filter filtered safety "
    "sensitive recitation blocklist blocked prohibited_content prohibited spii image_safety "
    "language guardrail guardrail_intervened guardrails moderation content_policy "
    "content_policy_violation policy_violation flagged toxicity copyright error_toxic",
    "refusal": "refusal refused",
    "failed": "error errored failed failure abort aborted cancelled canceled cancel timeout "
    "time_limit network_error server_error internal_error internal_server_error system_error "
    "insufficient_system_resource insufficient_resources overloaded unavailable interrupted "
    "malformed_function_call unexpected_tool_call invalid_tool_call malformed_response "
    "load engine_error disconnected error_limit user_cancel",
}
_KNOWN_ENDS: Mapping[str, Finish] = {
    word: finish for finish, words in _ENDS.items() for word in words.split()
}
_END_PREFIX = re.compile(r"^(?:finish_?reason|stop_?reason)_?")
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def ended(said: object, text: str, error: object = None) -> tuple[Finish, str | None]:
    """How a reply ended, by the server's word for it, and that word where it is no usual one.

    A server that says nothing is believed; a word that is not known is not taken for a whole reply.
    """
    if error:
        return "failed", shortened(f"error: {_words_of(error)}")
    if isinstance(said, dict):  # SGLang's own API: {"type": "length", "length": 200}
        said = said.get("type", "an object")
    if said is None or said == "":
        return ("stop" if text.strip() else "empty"), None
    word = _BETWEEN_WORDS.sub("_", str(said)).strip("_").lower()
    finish: Finish = _KNOWN_ENDS.get(_END_PREFIX.sub("", word), "unknown")
    if finish in {"stop", "unknown"} and not text.strip():
        return "empty", None
    return finish, clean(shortened(str(said))) if finish in {"unknown", "failed"} else None


def _words_of(error: object) -> str:
    told = error.get("message") if isinstance(error, dict) else None
    return clean(str(told or error))


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
    """A model may write half a surrogate pair, which JSON can escape but no file in UTF-8 can hold:
    it becomes U+FFFD, so that the paid reply is not lost to it.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError:
        if rb"\ud" not in raw.lower():
            raise
        return model.model_validate_json(_without_halves(raw))


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
