"""Token probabilities in the shape of OpenAI's chat completions, which local engines share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from judgeforge.providers.base import ChatRequest, TokenProbability


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] = []


class Logprobs(BaseModel):
    content: list[_Token] | None = None


def asked_logprobs(request: ChatRequest) -> dict[str, Any]:
    """Fields of the body; none where no probabilities are asked for."""
    if request.top_logprobs is None:
        return {}
    return {"logprobs": True, "top_logprobs": request.top_logprobs}


def token_probabilities(logprobs: Logprobs | None) -> tuple[TokenProbability, ...]:
    if logprobs is None or logprobs.content is None:
        return ()
    return tuple(_with_alternatives(token) for token in logprobs.content)


def _with_alternatives(token: _Token) -> TokenProbability:
    alternatives = {each.token: each.logprob for each in (*token.top_logprobs, token)}
    return TokenProbability(token.token, tuple(alternatives.items()))
