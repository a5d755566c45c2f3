"""The door to paid calls in simulated time: who asks, who gives up, when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls import retry
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.call import Answer
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots, never
from judgeforge.calls.limits.replicas import Replicas
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.providers.base import (
    Body,
    ChatRequest,
    ModelReply,
    ModelRequest,
    RawReply,
    Usage,
)
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import BrokenReplyError, NoReplyError, StatusError
from judgeforge.text.messages import Message
from tests.support.no_log import NoLog
from tests.support.simulated_time import now, simulated

Reply = Callable[[], Awaitable[str]]
"""What a model says, when it is asked."""


@dataclass
class Model:
    """A provider with one model, in this process."""

    reply: Reply
    sent: list[str] = field(default_factory=list)
    broken_off: set[str] = field(default_factory=set)
    """Replies that say that the server broke them off."""
    endpoint: str = "/chat"
    base_url: str = "memory"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        assert isinstance(request, ChatRequest)
        text = request.messages[0].content
        return {"model": model.model, "max_tokens": request.max_tokens, "text": text}

    def read(self, raw: bytes) -> ModelReply:
        text = raw.decode()
        return ModelReply(text, "failed" if text in self.broken_off else "stop", Usage(10, 5))

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
    gates: dict[str, ModelGate]

    def ask(self, text: str) -> asyncio.Task[Answer]:
        """The first model."""
        name = next(iter(self.models))
        message = Message(role="user", content=text)
        request = ChatRequest(messages=(message,), max_tokens=10, temperature=1.0)
        return asyncio.create_task(self.gateway.ask(name, request))


MakeDoor = Callable[..., Door]


@pytest.fixture
def door(tmp_path: Path) -> MakeDoor:
    """Makes a gateway to models that reply so; ``settings`` are those of the first."""

    def make(*replies: Reply, limits: LimitsConfig | None = None, **settings: Any) -> Door:
        limits, log = limits or LimitsConfig(), NoLog()
        account, slots = ProviderAccount(), Slots(limits.concurrency)
        endpoints, models, gates = {}, {}, {}
        for name, reply in zip(("first", "second"), replies, strict=False):
            of = settings if name == "first" else {}
            config = ModelConfig(provider="openai", model=name, **of)
            gates[name] = ModelGate(name, config, limits, account=account, all_slots=slots, log=log)
            models[name] = Model(reply)
            servers = Replicas(name, [gates[name]])
            endpoints[name] = Endpoint(name, config, models[name], servers, price=None)
        budget = Budget(tmp_path / "spending.jsonl")
        cache = ReplyCache(tmp_path / "cache", on_damage=lambda *_: None)
        gateway = Gateway(endpoints, cache=cache, budget=budget, limits=limits, log=log)
        return Door(gateway, budget, models, gates)

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


def test_a_call_that_failed_and_nobody_waits_for_is_not_sent_again(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)

    async def scenario() -> Any:
        one = door(fails(NoReplyError("broke off"), after_s=5.0))
        asker = one.ask("a")
        await asyncio.sleep(2.0)
        asker.cancel()
        await one.gateway.drain(5)
        return one.models["first"].sent

    assert simulated(scenario()) == ["a"]


def test_a_call_that_somebody_waits_for_again_is_sent_again(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)
    replies = iter([fails(NoReplyError("broke off"), after_s=5.0), says("ok")])

    async def reply() -> str:
        return await next(replies)()

    async def scenario() -> Any:
        one = door(reply)
        gone = one.ask("a")
        await asyncio.sleep(2.0)
        gone.cancel()
        await asyncio.sleep(1.0)
        return (await one.ask("a")).reply.text, one.models["first"].sent

    assert simulated(scenario()) == ("ok", ["a", "a"])


def test_who_asks_the_same_just_after_the_last_asker_left_gets_a_reply(door: MakeDoor) -> None:
    """The call of the one that left is cancelled but has not ended yet."""

    async def scenario() -> Any:
        one = door(says("ok", after_s=0.05), concurrency=1)
        busy = one.ask("busy")
        await ticks()
        gone = one.ask("same")
        await ticks()
        gone.cancel()
        await asyncio.sleep(0)  # its end has cancelled the call
        asks_again = one.ask("same")
        ends = await asyncio.gather(busy, gone, asks_again, return_exceptions=True)
        await one.gateway.drain(5)
        return [type(end) for end in ends], one.models["first"].sent, one.budget.in_flight

    assert simulated(scenario()) == (
        [Answer, asyncio.CancelledError, Answer],
        ["busy", "same"],
        0,
    )


def test_a_call_that_is_cancelled_when_the_circuit_opens_asks_no_fallback(door: MakeDoor) -> None:
    dead = StatusError("HTTP 500", status=500)

    async def scenario() -> Any:
        limits = LimitsConfig(breaker_failures=1)
        one = door(says("ok"), says("ok"), limits=limits, fallback="second", concurrency=1)
        gate = one.gates["first"]
        passage = await gate.enter(RequestSize(1, 1), gives_way=never)
        asker = one.ask("a")
        await ticks()
        # The circuit opens, then the asker leaves, and only then its call gets on.
        asyncio.get_running_loop().call_soon(lambda: gate.leave(passage, error=dead))
        asker.cancel()
        await asyncio.gather(asker, return_exceptions=True)
        await one.gateway.drain(5)
        return one.models["second"].sent

    assert simulated(scenario()) == []


def test_a_server_that_loads_its_model_costs_no_attempts_until_it_has_answered(
    door: MakeDoor,
) -> None:
    """Nothing is learnt of a request while all of them meet the same."""

    async def scenario() -> tuple[list[str], int]:
        loaded_at = now() + 120

        async def reply() -> str:
            if now() < loaded_at or reply_is_refused:
                raise StatusError("HTTP 503: loading", status=503, retryable=True)
            return "ok"

        reply_is_refused = False
        one = door(reply, limits=LimitsConfig(max_attempts=3))
        answers = await asyncio.gather(*(one.ask(text) for text in "abc"))
        reply_is_refused = True
        before = len(one.models["first"].sent)
        with pytest.raises(StatusError, match="loading"):
            await one.ask("d")
        return [one.reply.text for one in answers], len(one.models["first"].sent) - before

    assert simulated(scenario()) == (["ok"] * 3, 3)


def test_a_call_that_waits_for_its_next_attempt_holds_no_slot(
    door: MakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 60.0)
    replies = iter([fails(NoReplyError("broke off")), says("b"), says("c"), says("a")])

    async def reply() -> str:
        return await next(replies)()

    async def scenario() -> list[str]:
        one = door(reply, concurrency=1)
        await asyncio.gather(*(one.ask(text) for text in "abc"))
        return one.models["first"].sent

    assert simulated(scenario()) == ["a", "b", "c", "a"]


def test_hedges_that_find_no_room_take_nothing_from_the_ceiling(door: MakeDoor) -> None:
    async def scenario() -> tuple[float, list[str]]:
        # Each request counts some 1,000 tokens until its reply says that it used 15.
        one, begun = door(says("ok", after_s=0.2), tpm=6000, hedge_after=0.02), now()
        for number in range(3):
            await one.ask(f"{number} " + "x" * 4000)
        return now() - begun, one.models["first"].sent

    seconds, sent = simulated(scenario())
    assert seconds < 1
    assert len(sent) == 3


def test_a_reply_is_given_when_it_comes_though_a_hedge_finds_the_ceiling_used_up(
    door: MakeDoor,
) -> None:
    async def scenario() -> tuple[float, list[str]]:
        one, begun = door(says("ok", after_s=0.2), rpm=6, hedge_after=0.02), now()
        await one.ask("a")
        return now() - begun, one.models["first"].sent

    seconds, sent = simulated(scenario())
    assert 0.2 <= seconds < 0.3
    assert sent == ["a"]


def test_a_hedge_is_sent_where_the_ceiling_has_room(door: MakeDoor) -> None:
    async def scenario() -> list[str]:
        one = door(says("ok", after_s=5.0), rpm=6000, hedge_after=1.0)
        await one.ask("a")
        await one.gateway.drain(60)
        return one.models["first"].sent

    assert simulated(scenario()) == ["a", "a"]


def test_a_byte_order_mark_before_a_reply_is_no_part_of_it(door: MakeDoor) -> None:
    async def scenario() -> str:
        return (await door(says("\ufeff{}")).ask("a")).reply.text

    assert simulated(scenario()) == "{}"


def test_a_reply_that_the_server_broke_off_is_asked_for_again_and_never_stored(
    door: MakeDoor,
) -> None:
    async def scenario() -> tuple[str, int, str]:
        replies = iter(["half a", "a whole one"])

        async def reply() -> str:
            return next(replies)

        one = door(reply)
        one.models["first"].broken_off = {"half a"}
        first = await one.ask("a")
        return first.reply.text, one.budget.spending().calls, (await one.ask("a")).reply.text

    assert simulated(scenario()) == ("a whole one", 2, "a whole one")


def test_a_broken_reply_that_an_earlier_version_stored_is_asked_for_again(door: MakeDoor) -> None:
    async def scenario() -> tuple[bool, str]:
        replies = iter(["half a", "a whole one"])

        async def reply() -> str:
            return next(replies)

        one = door(reply)
        await one.ask("a")
        one.models["first"].broken_off = {"half a"}
        answer = await one.ask("a")
        return answer.cached, answer.reply.text

    assert simulated(scenario()) == (False, "a whole one")


def test_a_reply_that_is_always_broken_off_is_given_up_before_it_costs_much(
    door: MakeDoor,
) -> None:
    async def scenario() -> int:
        async def reply() -> str:
            return "half a"

        one = door(reply)
        one.models["first"].broken_off = {"half a"}
        with pytest.raises(BrokenReplyError):
            await one.ask("a")
        return one.budget.spending().calls

    assert simulated(scenario()) == retry.MOST_BROKEN
