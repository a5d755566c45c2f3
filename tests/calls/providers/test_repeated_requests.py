"""Requests after the first are copies of what the SDK sent, with a body of their own."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from typing import Any

import pytest

from judgeforge.calls.providers.base import ChatRequest, Provider, RawReply, open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import CallError, StatusError
from judgeforge.text.messages import Message
from tests.local_server import LocalServer, faults
from tests.support.run_setup import model

both = pytest.mark.parametrize("provider", ["openai", "anthropic"])


async def send(opened: Provider, settings: ModelConfig, text: str) -> RawReply:
    request = ChatRequest((Message(role="user", content=text),), 64, temperature=0.0)
    return await opened.send(opened.body(settings, request), model=settings)


def send_in_turn(settings: ModelConfig, *texts: str) -> None:
    async def in_turn() -> None:
        opened = open_provider(settings, "sk-test")
        try:
            for text in texts:
                await send(opened, settings, text)
        finally:
            await opened.close()

    asyncio.run(in_turn())


def told(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def settings_of(server: LocalServer, provider: str, **more: Any) -> ModelConfig:
    return ModelConfig.model_validate(model(server, provider) | more)


@both
def test_a_later_request_differs_from_the_first_by_its_body_alone(
    server: LocalServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "red")
    settings = settings_of(server, provider, headers_env={"X-Team": "TEAM"}, query={"v": "1 2"})
    send_in_turn(settings, "One?", "And two?", "And the third, which is longer?")

    first, *later = server.requests
    for request in later:
        assert request.path == first.path
        mine, before = told(request.headers), told(first.headers)
        assert mine.pop("content-length") == str(len(request.raw))
        before.pop("content-length")
        assert mine == before
        assert mine["x-team"] == "red"
        assert mine["content-type"] == "application/json"
        assert request.body == first.body | {"messages": request.body["messages"]}
    assert len({request.raw for request in server.requests}) == 3


@both
def test_the_sdk_builds_a_request_once(
    server: LocalServer, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import anthropic
    import openai

    sdk: Any = {"openai": openai.AsyncOpenAI, "anthropic": anthropic.AsyncAnthropic}[provider]
    built, post = [], sdk.post

    async def counted(self: Any, path: str, **options: Any) -> Any:
        built.append(path)
        return await post(self, path, **options)

    monkeypatch.setattr(sdk, "post", counted)
    send_in_turn(settings_of(server, provider), "One?", "Two?", "Three?")
    assert len(built) == 1
    assert len(server.requests) == 3


def test_a_header_whose_variable_changes_is_sent_with_its_new_value(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(server, "openai", headers_env={"X-Team": "TEAM"})

    async def in_turn() -> None:
        opened = open_provider(settings, "sk-test")
        for team in ("red", "red", "blue"):
            monkeypatch.setenv("TEAM", team)
            await send(opened, settings, f"Hello, {team}.")
        await opened.close()

    asyncio.run(in_turn())
    assert [request.headers["x-team"] for request in server.requests] == ["red", "red", "blue"]


def test_a_cookie_that_the_server_sets_comes_back(server: LocalServer) -> None:
    """Of balancers, which know by it which machine has the prompt in its cache."""
    settings = settings_of(server, "openai")

    async def in_turn() -> None:
        opened = open_provider(settings, "sk-test")
        await send(opened, settings, "One?")
        server.faults.add(faults.status(429, headers={"set-cookie": "machine=7; Path=/"}), times=1)
        with pytest.raises(StatusError):
            await send(opened, settings, "Two?")
        await send(opened, settings, "Three?")
        await opened.close()

    asyncio.run(in_turn())
    assert "cookie" not in told(server.requests[0].headers)
    assert told(server.requests[-1].headers)["cookie"] == "machine=7"


def test_a_cookie_that_no_header_can_carry_is_left_out(server: LocalServer) -> None:
    settings = settings_of(server, "openai")

    async def in_turn() -> None:
        opened = open_provider(settings, "sk-test")
        cookies = {"set-cookie": "city=Z\xfcrich; Path=/"}
        server.faults.add(faults.status(429, headers=cookies), times=1)
        with pytest.raises(StatusError):
            await send(opened, settings, "One?")
        await send(opened, settings, "Two?")
        await opened.close()

    asyncio.run(in_turn())
    assert len(server.requests) == 2
    assert "cookie" not in told(server.requests[1].headers)


@both
def test_a_refusal_of_a_later_request_says_what_that_of_a_first_says(
    server: LocalServer, provider: str
) -> None:
    settings = settings_of(server, provider)

    async def refused(opened: Provider) -> str:
        server.faults.add(faults.status(400), times=1)
        with pytest.raises(StatusError) as caught:
            await send(opened, settings, "Two?")
        assert caught.value.status == 400
        return str(caught.value)

    async def both_ways() -> tuple[str, str]:
        opened = open_provider(settings, "sk-test")
        first = await refused(opened)
        await send(opened, settings, "One?")
        later = await refused(opened)
        await opened.close()
        return first, later

    first, later = asyncio.run(both_ways())
    assert later == first


@both
@pytest.mark.parametrize(
    "fault",
    [
        faults.reset_before_reply(),
        faults.reset_in_headers(),
        faults.reset_after_headers(),
        faults.reset_mid_body(),
        faults.cut_body(),
        faults.damaged_gzip(),
        faults.redirect("http://127.0.0.1:9/v1"),
        faults.status(429, headers={"x-ratelimit-remaining-requests": "0"}, retry_after_ms=50),
        faults.status(503),
        faults.quota_exhausted(),
    ],
    ids=lambda fault: fault.name,
)
def test_what_goes_wrong_with_a_later_request_is_told_as_of_a_first(
    server: LocalServer, provider: str, fault: faults.Fault
) -> None:
    settings = settings_of(server, provider)

    async def failed(opened: Provider) -> CallError:
        server.faults.add(fault, times=1)
        with pytest.raises(CallError) as caught:
            await send(opened, settings, "Two?")
        return caught.value

    async def both_ways() -> list[CallError]:
        opened = open_provider(settings, "sk-test")
        first = await failed(opened)
        await send(opened, settings, "One?")
        later = await failed(opened)
        await opened.close()
        return [first, later]

    first, later = asyncio.run(both_ways())
    assert (type(later), str(later)) == (type(first), str(first))
    if isinstance(first, StatusError) and isinstance(later, StatusError):
        assert later.headers == first.headers
        assert later.retry_after_s == first.retry_after_s


def test_a_later_reply_may_be_packed_and_has_the_headers_about_limits(server: LocalServer) -> None:
    settings = settings_of(server, "openai")
    said = b'{"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}]}'
    limits = {"x-ratelimit-remaining-requests": "7"}

    async def in_turn() -> list[RawReply]:
        opened = open_provider(settings, "sk-test")
        await send(opened, settings, "One?")
        for body, more in ((gzip.compress(said), {"content-encoding": "gzip"}), (said, {})):
            fault = faults.Fault("packed", body=body, headers={**limits, **more})
            server.faults.add(fault, times=1)
        replies = [await send(opened, settings, text) for text in ("Two?", "Three?")]
        await opened.close()
        return replies

    for reply in asyncio.run(in_turn()):
        assert reply.body == said
        assert reply.headers == limits
