"""Rewards by ``POST /classify``: of vLLM, which writes conversations out itself, and of SGLang.

vLLM gets messages and, above all, ``use_activation: false``: a model of one label otherwise puts
its reward through a sigmoid, and 23 and 40 are both 1.0. SGLang takes texts only: with
``chat_template`` of the model its form is sent, with one text.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, RootModel

from judgeforge.calls.providers.base import Body, ModelReply, ModelRequest, rewards_only
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.replies import Beside, Count, TokenUsage, read_usage
from judgeforge.calls.providers.reward_server import (
    WHAT,
    RewardServer,
    as_reply,
    turns_of,
    written_out,
)
from judgeforge.config.model import ModelConfig


class _Usage(TokenUsage):
    output_tokens: Count = 0.0


class _Item(BaseModel):
    index: Beside[int] = None
    probs: Any = None
    """vLLM: of each label; with the activation off these are the logits."""


class _OfVllm(BaseModel):
    data: list[_Item]
    model: Beside[str] = None
    usage: Beside[_Usage] = None


class _Meta(BaseModel):
    prompt_tokens: Count = None


class _Embedding(BaseModel):
    embedding: Any
    meta_info: Beside[_Meta] = None


class _OfSglang(RootModel[list[_Embedding]]):
    """A list even of one."""


class Classify(RewardServer):
    endpoint = "/classify"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        turns = turns_of(model, rewards_only(request))
        if model.chat_template is None:
            asked: Body = {"model": model.model, "messages": turns, "use_activation": False}
            return asked | model.passed_on
        text = written_out(model, model.chat_template, turns)
        return {"model": model.model, "text": [text], **model.passed_on}

    def read(self, raw: bytes) -> ModelReply:
        first = raw.lstrip()[:1]
        if first == b"[":
            return _of_sglang(parsed(_OfSglang, raw, what=WHAT).root)
        if b'"embedding"' in raw and b'"data"' not in raw:
            return _of_sglang([parsed(_Embedding, raw, what=WHAT)])
        reply = parsed(_OfVllm, raw, what=WHAT)
        items = sorted(reply.data, key=lambda item: item.index or 0)
        usage = None if reply.usage is None else reply.usage.read()
        return as_reply((one.probs for one in items), usage=usage, model=reply.model)


def _of_sglang(items: list[_Embedding]) -> ModelReply:
    counts = [one.meta_info.prompt_tokens if one.meta_info else None for one in items]
    known = [count for count in counts if count is not None]
    total = sum(known) if known and len(known) == len(counts) else None
    usage = read_usage(input_tokens=total, output_tokens=0.0)
    return as_reply((one.embedding for one in items), usage=usage)
