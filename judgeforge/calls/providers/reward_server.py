"""What servers of reward models share: where their path is, what they are sent, what refusals mean.

Their paths stand beside `/v1`, so `base_url` may end in that or not. A conversation goes out whole:
nothing asks a server to cut one, and a refusal of one that is too long concerns that one alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    RawReply,
    RewardRequest,
    Usage,
    as_placed,
)
from judgeforge.calls.providers.http import HttpProvider
from judgeforge.calls.providers.openai_turns import openai_turns
from judgeforge.config.chat_template import ChatTemplate, load_chat_template
from judgeforge.config.model import ModelConfig
from judgeforge.errors import (
    ConfigError,
    FlaggedInputError,
    MalformedReplyError,
    OverlongRequestError,
    StatusError,
    UnsuitedRequestError,
)
from judgeforge.text.messages import Message
from judgeforge.text.wording import shortened

WHAT = "reply of a reward model"
_TOO_LONG = re.compile(
    r"too (?:large|long|big)|at most|exceeds?|less than \d+ tokens|longer than"
    r"|(?:context|model|input) (?:length|window|size)|max\w* (?:model |input )?length|truncat",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"(?:not|n't|un)\s?support|not implemented|not an? (?:classification|embedding|pooling)"
    r"|--is-embedding|no such (?:path|route)",
    re.IGNORECASE,
)
_DEEPEST = 8
_MOST = 1e15
"""No reward is of such a size; what is has no exact differences."""


class RewardServer(HttpProvider):
    def __init__(self, base_url: str | None, key: str | None) -> None:
        plain = (base_url or "").rstrip("/")
        super().__init__(plain.removesuffix("/v1") or None, key)

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        try:
            return await super().send(body, model=model)
        except StatusError as error:
            raise _told_apart(error, model) from error


def _told_apart(error: StatusError, model: ModelConfig) -> StatusError:
    """The same error: a conversation that is too long, or a server that has no reward model."""
    if isinstance(error, FlaggedInputError | OverlongRequestError):
        return error
    said = str(error)
    if error.status in {400, 413, 422} and _TOO_LONG.search(said):
        return OverlongRequestError(
            f"{said}. Prompt and answer together are too long for this reward model, and nothing "
            "is cut. Set `context_tokens` of the model to what its server has.",
            status=error.status,
            model=error.model,
            headers=error.headers,
        )
    if error.status in {404, 405, 501} or (error.status in {400, 422} and _CANNOT.search(said)):
        return StatusError(
            f"{said}. `{model.model}` gives no rewards there. Is it served as a reward model, at "
            "the root of `base_url`, beside /v1? vLLM needs `--runner pooling`, SGLang "
            "`--is-embedding` and `chat_template` of the model, TEI provider `tei`.",
            status=error.status,
            model=error.model,
            headers=error.headers,
            stops_run=True,
        )
    return error


def turns_of(model: ModelConfig, request: RewardRequest) -> list[dict[str, Any]]:
    """The conversation as chat messages of words. Raises UnsuitedRequestError for anything else."""
    for message in request.messages:
        if message.tool_calls or message.role == "tool":
            raise UnsuitedRequestError("the conversation has tool calls", model=model.model)
        if message.pictures:
            raise UnsuitedRequestError("the conversation has pictures", model=model.model)
    words = tuple(Message(role=one.role, content=one.text) for one in request.messages)
    return openai_turns(model, as_placed(model, words))


def written_out(model: ModelConfig, template: Path, turns: list[dict[str, Any]]) -> str:
    """The text that the template makes of it, without a leading token of beginning: the server's
    tokenizer adds it. Raises UnsuitedRequestError where the template refuses the turns."""
    try:
        loaded = _loaded(str(template))
        return loaded.without_beginning(loaded.render(turns))
    except ConfigError as error:
        raise UnsuitedRequestError(str(error), model=model.model) from None


@lru_cache(maxsize=16)
def _loaded(template: str) -> ChatTemplate:
    return load_chat_template(template)


def as_reply(
    found: Iterable[object], *, usage: Usage | None = None, model: str | None = None
) -> ModelReply:
    """``found``: what stands where the reward should: one number. Nested lists are looked into, and
    what is not a number is nan."""
    rewards = tuple(number for value in found for number in _numbers(value))
    text = "" if _is_one(rewards) else shortened(str(list(rewards)))
    return ModelReply(text, "stop", usage, model=model, rewards=rewards)


def _is_one(rewards: tuple[float, ...]) -> bool:
    return len(rewards) == 1 and math.isfinite(rewards[0])


def _numbers(value: object, depth: int = 0) -> Iterator[float]:
    if isinstance(value, list):
        if depth > _DEEPEST:
            raise MalformedReplyError(f"the reply is not a {WHAT}: lists in lists in lists")
        for each in value:
            yield from _numbers(each, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value) if abs(value) < _MOST else math.inf
    else:
        yield math.nan
