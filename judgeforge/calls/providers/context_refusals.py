"""Whether a refusal says that a request is longer than the server's context, and how long that is.

Some servers say it in a code or a field (OpenAI, llama.cpp, llama-cpp-python, LiteLLM), others in
words only (vLLM, SGLang, Anthropic, Mistral, TGI, Google, xAI, Moonshot, DashScope, MiniMax, NIM,
LM Studio, Cohere), which are matched as they are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_STATUS = frozenset({400, 413, 422, 500})
_CODES = (
    "context_length_exceeded",
    "exceed_context_size",
    "context_window_exceeded",
    "contextwindowexceeded",
    "string_above_max_length",
)
_WORDS = (
    r"\b(?:maximum|max|available) context (?:length|size|window)"
    r"|\bexceeds? (?:the |this )?(?:\S+ ){0,3}"
    r"(?:context|max_model_len|maximum (?:input|model|length))"
    r"|\b(?:longer|greater|larger) than the "
    r"(?:model\S* )?(?:maximum |max )?(?:context|model) length"
    r"|\b(?:prompt|input) (?:is )?too long\b|`max_new_tokens` must be <="
    r"|\binputs?\b\S* (?:\S+ ){0,4}(?:exceeds? the maximum\b|must have less than \d+ tokens)"
    r"|\bmaximum prompt length is \d|\bcontext window exceeds limit\b"
    r"|\bcontext length of only \d|\bexceeded model token limit\b|\brange of input length\b"
    r"|\btokens in the prompt cannot exceed\b"
)
"""Patterns are compiled at the first refusal: most runs meet none."""
_OF_RATE = r"per minute|\b[tr]pm\b|rate.?limit"
_OF_RATE_STATUS = frozenset({413, 429})
_LIMIT, _REQUESTED = r"\bLimit:? (\d[\d,]{0,11})\b", r"\bRequested:? (\d[\d,]{0,11})\b"
_NUMBERS = (
    r"context (?:length|size|window)(?: is| of)?(?: only)?[ :(]{1,3}(\d[\d,]{0,11})",
    r"\b(\d[\d,]{0,11}) (?:tokens? )?max(?:imum)?(?: context length)?\b",
    r"must be <= (\d[\d,]{0,11})",
    r"(?:maximum|max)(?: \S+){0,3} (?:length|tokens|allowed)(?: is| of|:)? \(?(\d[\d,]{0,11})",
    r"(?:token limit:|less than|maximum of|prompt cannot exceed|of only|\[\d,) (\d[\d,]{0,11})",
)
_FIELDS = ("n_ctx", "max_model_len", "context_length", "max_context_length")
_MOST = 10**8
"""Tokens; no context is longer."""


def context_refusal(status: int, body: object, said: str) -> str | None:
    """What to do about it, as the end of a message; None where it says something else.

    ``body``: the parsed refusal; ``said``: its words.
    """
    lower = said.lower()
    if status not in _STATUS or re.search(_OF_RATE, said, re.IGNORECASE):
        return None
    if not (any(code in lower for code in _CODES) or re.search(_WORDS, said, re.IGNORECASE)):
        return None
    tokens = next(_stated(body), None) or _in_words(said)
    to_what = f"`context_tokens: {tokens}`" if tokens else "`context_tokens` to what the server has"
    return f". Set {to_what} for this model: what cannot fit is then skipped before it is sent."


def rate_refusal(status: int, said: str) -> str | None:
    """What to do about a request that alone is larger than what its account may send in a minute
    (OpenAI, Groq), as the end of a message: it can never pass. None for any other refusal."""
    if status not in _OF_RATE_STATUS:
        return None
    limit, requested = re.search(_LIMIT, said), re.search(_REQUESTED, said)
    if limit is None or requested is None or _number(requested) <= _number(limit):
        return None
    return (
        f". One request may have {limit[1]} tokens at this account, and has {requested[1]}, so it "
        "is not tried again: a smaller `max_tokens`, a shorter prompt or a higher limit may help."
    )


def _number(found: re.Match[str]) -> int:
    return int(found[1].replace(",", ""))


def _stated(body: object) -> Iterator[int]:
    error = body.get("error") if isinstance(body, Mapping) else None
    for place in (error, body):
        if isinstance(place, Mapping):
            found = (place.get(field) for field in _FIELDS)
            yield from (one for one in found if type(one) is int and 0 < one < _MOST)


def _in_words(said: str) -> int | None:
    for pattern in _NUMBERS:
        if found := re.search(pattern, said, re.IGNORECASE):
            tokens = _number(found)
            return tokens if 0 < tokens < _MOST else None
    return None
