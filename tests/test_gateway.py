"""The door to paid calls at the moments that a server cannot time: who asks, who gives up, when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from judgeforge.calls.answer import Answer
from judgeforge.calls.budget import Budget
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.endpoint import Endpoint
from judgeforge.calls.gate import ModelGate
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.shared_bucket import Account
from judgeforge.calls.slots import Slots
from judgeforge.calls.throttle import ModelThrottle
from judgeforge.config import LimitsConfig, ModelConfig
from judgeforge.providers.base import Body, ChatRequest, ModelReply, ModelRequest, RawReply, Usage
from judgeforge.records import Message

Reply = Callable[[], Awaitable[str]]
"""What a model says, when it is asked."""


class NoLog:
    def call(self, **fields: object) -> None:
        pass

    def event(self, name: str, **fields: object) -> None:
        pass


@dataclass
class Model:
    """A provider with one model, in this process."""

    reply: Reply
    sent: list[str] = field(default_factory=list)
    endpoint: str = "/chat"
    base_url: str = "memory"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        assert isinstance(request, ChatRequest)
        text = request.messages[0].content
        return {"model": model.model, "max_tokens": request.max_tokens, "text": text}

    def read(self, raw: bytes) -> ModelReply:
        return ModelReply(raw.decode(), "stop", Usage(10, 5))

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        self.sent.append(body["text"])
        return RawReply((await self.reply()).encode())

    async def close(self) -> None:
        pass


@dataclass
class Door:
    gateway: Gateway
    budget: Budget
    models: dict[str, Model]

    def ask(self, text: str) -> asyncio.Task[Answer]:
        """The first model."""
        name = next(iter(self.models))
        message = Message(role="user", content=text)
        request = ChatRequest(messages=(message,), max_tokens=10, temperature=1.0)
        return asyncio.create_task(self.gateway.ask(name, request))


@pytest.fixture
def door(tmp_path):
    """Makes a gateway to models that reply so; ``settings`` are those of the first."""

    def make(*replies: Reply, limits: LimitsConfig | None = None, **settings: Any) -> Door:
        limits, log = limits or LimitsConfig(), NoLog()
        account, slots = Account(), Slots(limits.concurrency)
        endpoints, models = {}, {}
        for name, reply in zip(("first", "second"), replies, strict=False):
            of = settings if name == "first" else {}
            config = ModelConfig(provider="openai", model=name, **of)
            ceiling = ModelThrottle(requests_per_minute=config.rpm, tokens_per_minute=config.tpm)
            gate = ModelGate(
                name, config, limits, ceiling=ceiling, account=account, all_slots=slots, log=log
            )
            models[name] = Model(reply)
            endpoints[name] = Endpoint(name, config, models[name], ceiling, gate, price=None)
        budget = Budget(tmp_path / "spending.jsonl")
        cache = ReplyCache(tmp_path / "cache", on_damage=lambda *_: None)
        gateway = Gateway(endpoints, cache=cache, budget=budget, limits=limits, log=log)
        return Door(gateway, budget, models)

    return make


def says(text: str, *, after_s: float = 0.0) -> Reply:
    async def reply() -> str:
        await asyncio.sleep(after_s)
        return text

    return reply


def fails(error: Exception, *, after_s: float = 0.0) -> Reply:
    async def reply() -> str:
        await asyncio.sleep(after_s)
        raise error

    return reply


async def ticks(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_hedges_that_find_no_room_take_nothing_from_the_ceiling(door):
    async def scenario():
        # Each request counts some 1,000 tokens until its reply says that it used 15.
        one = door(says("ok", after_s=0.2), tpm=6000, hedge_after=0.02)
        begun = time.monotonic()
        for number in range(3):
            await one.ask(f"{number} " + "x" * 4000)
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 5


def test_a_reply_is_given_when_it_comes_though_a_hedge_finds_the_ceiling_used_up(door):
    async def scenario():
        one = door(says("ok", after_s=0.2), rpm=6, hedge_after=0.02)
        begun = time.monotonic()
        await one.ask("a")
        return time.monotonic() - begun, one.models["first"].sent

    seconds, sent = asyncio.run(scenario())
    assert seconds < 5
    assert sent == ["a"]
