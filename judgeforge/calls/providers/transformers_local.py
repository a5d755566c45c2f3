"""Models of `transformers` run inside this process: no server, no key, on CPU or GPU.

A sequence classifier of one output gives rewards. Any chat model answers decisions: by the
probabilities of the labels of each answer as its next token (P(yes), levels, a choice), without
writing a word.
"""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    DecisionAnswer,
    DecisionRequest,
    ModelReply,
    ModelRequest,
    RawReply,
    Usage,
    rewards_only,
)
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.reward_server import as_reply, turns_of, written_out
from judgeforge.calls.providers.transformers_engine import TransformersEngine
from judgeforge.config.model import ModelConfig
from judgeforge.errors import NoReplyError


class _Answer(BaseModel):
    name: str
    probabilities: dict[str, float]


class _Reply(BaseModel):
    model: str
    rewards: list[Any] = []
    answers: list[_Answer] = []
    input_tokens: int


class TransformersProvider:
    """Each model is loaded when it is first asked; requests that wait are read in one batch.

    A process that has loaded a model must not be forked: the child would hang.
    """

    endpoint = "/forward"
    base_url = "transformers"

    def __init__(self, base_url: str | None = None, key: str | None = None) -> None:
        del base_url, key  # no server is asked
        self._engines: dict[str, asyncio.Future[TransformersEngine]] = {}

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        if isinstance(request, DecisionRequest):
            return {
                "model": model.model,
                "system": request.messages[0].text,
                "state": request.messages[-1].text,
                "questions": [
                    {
                        "name": one.name,
                        "kind": one.kind,
                        "instructions": one.instructions,
                        "options": [list(option) for option in one.options],
                    }
                    for one in request.questions
                ],
                **model.passed_on,
            }
        turns = turns_of(model, rewards_only(request))
        written = model.chat_template and written_out(model, model.chat_template, turns)
        said = {"text": written} if written else {"turns": turns}
        return {"model": model.model, **said, **model.passed_on}

    def read(self, raw: bytes) -> ModelReply:
        reply = parsed(_Reply, raw, what="reply of the transformers engine")
        usage = Usage(reply.input_tokens, 0) if reply.input_tokens else None
        if not reply.answers:
            return as_reply(reply.rewards, usage=usage, model=reply.model)
        decisions = tuple(
            DecisionAnswer(one.name, probabilities=one.probabilities) for one in reply.answers
        )
        return ModelReply("", "stop", usage, model=reply.model, decisions=decisions)

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """Raises ConfigError where the model cannot be loaded, OverlongRequestError where it has no
        room for the request, NoReplyError after ``timeout_s``."""
        engine = await self._engine(model)
        try:
            async with asyncio.timeout(model.timeout_s):
                return RawReply(await asyncio.wrap_future(engine.submit(body)))
        except TimeoutError:
            raise NoReplyError(
                f"no reply within timeout_s = {model.timeout_s:g} s from the transformers engine",
                model=model.model,
            ) from None

    async def close(self) -> None:
        loads = list(self._engines.values())
        self._engines.clear()
        for engine in await asyncio.gather(*loads, return_exceptions=True):
            if isinstance(engine, TransformersEngine):
                await asyncio.to_thread(engine.close)

    async def _engine(self, model: ModelConfig) -> TransformersEngine:
        place = repr((model.model, sorted(model.passed_on.items())))
        loading = self._engines.get(place)
        if loading is None:
            loading = asyncio.ensure_future(asyncio.to_thread(TransformersEngine, model))
            self._engines[place] = loading
        # A caller that gives up must not cancel what the others wait for.
        return await asyncio.shield(loading)
