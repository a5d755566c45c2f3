"""A GGUF model run inside this process by llama.cpp (package xllamacpp): no key, no network."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from judgeforge.calls.providers.base import (
    Body,
    ModelReply,
    ModelRequest,
    RawReply,
    ReplySchema,
    as_placed,
    chat_only,
    passed_on,
)
from judgeforge.calls.providers.encoding import json_schema_format
from judgeforge.calls.providers.local_engine import LocalEngine
from judgeforge.calls.providers.openai_chat import read_chat_completion
from judgeforge.calls.providers.openai_turns import openai_turns
from judgeforge.calls.providers.replies import asked_logprobs
from judgeforge.config.model import ModelConfig
from judgeforge.errors import NoReplyError

# How long a free text in a structured reply may be, see _with_bounded_texts.
_TOKENS_OF_FRAME, _TOKENS_OF_FIELD = 10, 10
_CHARACTERS_PER_TOKEN = 2
"""English has 3 to 4: room for rarer words."""
_SHORTEST_TEXT, _LONGEST_TEXT = 20, 1000
"""Characters. The engine refuses grammars with much longer repetitions."""


class LocalProvider:
    """Runs models in this process; each is loaded when it is first asked.

    A process that has loaded a model must not be forked: the child would hang.
    """

    endpoint = "/chat/completions"
    base_url = "local"

    def __init__(self, base_url: str | None = None, key: str | None = None) -> None:
        del base_url, key  # no server is asked
        self._engines: dict[str, asyncio.Future[LocalEngine]] = {}

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        request = chat_only(request)
        body: Body = {
            "model": model.model,
            "messages": openai_turns(model, as_placed(model, request.messages)),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            **passed_on(model, request),
        }
        if request.seed is not None:
            body["seed"] = request.seed
        if request.reply_schema is not None:
            bounded = _with_bounded_texts(request.reply_schema, request.max_tokens)
            body |= json_schema_format(ReplySchema(request.reply_schema.name, bounded))
        return body | asked_logprobs(request)

    def read(self, raw: bytes) -> ModelReply:
        return read_chat_completion(raw)

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """Send once. Cancelling stops the generation at its next token.

        Raises ConfigError where the model cannot be loaded, StatusError where the engine refuses
        the request, NoReplyError where it broke off or took longer than ``timeout_s`` from its
        beginning.
        """
        engine = await self._engine(model)
        stop = threading.Event()
        reply = await engine.begin(body, stop)
        try:
            async with asyncio.timeout(model.timeout_s):
                return RawReply(await reply)
        except TimeoutError:
            raise NoReplyError(
                f"no whole reply within timeout_s = {model.timeout_s:g} s from the embedded engine",
                model=model.model,
            ) from None
        finally:
            stop.set()

    async def close(self) -> None:
        loads = list(self._engines.values())
        self._engines.clear()
        for engine in await asyncio.gather(*loads, return_exceptions=True):
            if isinstance(engine, LocalEngine):
                await asyncio.to_thread(engine.close)

    async def _engine(self, model: ModelConfig) -> LocalEngine:
        loading = self._engines.get(model.model)
        if loading is None:
            loading = asyncio.ensure_future(asyncio.to_thread(LocalEngine, model))
            self._engines[model.model] = loading
        # A caller that gives up must not cancel what the others wait for.
        return await asyncio.shield(loading)


def _with_bounded_texts(reply_schema: ReplySchema, max_tokens: int) -> dict[str, Any]:
    """The schema with a length limit on free texts, so that what follows them still fits.

    A small model rarely closes a string by itself; cut by ``max_tokens``, the reply would be lost.
    """
    structure = _TOKENS_OF_FRAME + _TOKENS_OF_FIELD * _fields(reply_schema.schema)
    length = _CHARACTERS_PER_TOKEN * (max_tokens - structure)
    limit = min(max(length, _SHORTEST_TEXT), _LONGEST_TEXT)

    def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
        copy = dict(schema)
        if copy.get("type") == "string" and not copy.keys() & {"enum", "const", "maxLength"}:
            copy["maxLength"] = limit
        if "properties" in copy:
            copy["properties"] = {k: bounded(v) for k, v in copy["properties"].items()}
        return copy

    return bounded(reply_schema.schema)


def _fields(schema: Mapping[str, Any]) -> int:
    parts = schema.get("properties", {}).values()
    return sum(1 + _fields(part) for part in parts)
