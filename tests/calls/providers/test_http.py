"""The way to a server through an SDK: what comes back, and which connection is used again."""

from __future__ import annotations

import asyncio
import time

import pytest

from judgeforge.calls.providers.base import ChatRequest, RawReply, open_provider
from judgeforge.calls.providers.http_errors import retry_after_s
from judgeforge.config.model import ModelConfig
from judgeforge.errors import StatusError
from judgeforge.text.messages import Message
from tests.local_server import Limits, LocalServer, faults
from tests.support.run_setup import model

PREFIX = {"openai": "x-ratelimit-", "anthropic": "anthropic-ratelimit-"}
both = pytest.mark.parametrize("provider", PREFIX)


def send(
    server: LocalServer, provider: str, *texts: str, pause_s: float = 0.0, **changes: str
) -> list[RawReply]:
    """One after the other by one client, with a pause in between. ``changes``: of the model."""
    settings = ModelConfig.model_validate({**model(server, provider), **changes})

    async def in_turn() -> list[RawReply]:
        opened = open_provider(settings, "sk-test")
        replies = []
        try:
            for number, text in enumerate(texts):
                await asyncio.sleep(pause_s if number else 0)
                request = ChatRequest((Message(role="user", content=text),), 64, temperature=0.0)
                replies.append(await opened.send(opened.body(settings, request), model=settings))
        finally:
            await opened.close()
        return replies

    return asyncio.run(in_turn())


def texts_of(replies: list[RawReply], provider: str) -> list[str]:
    settings = ModelConfig.model_validate({"provider": provider, "model": "small"})
    read = open_provider(settings, None).read
    return [read(reply.body).text for reply in replies]


class TestRateHeaders:
    @both
    def test_come_with_a_reply_and_no_others(self, server: LocalServer, provider: str) -> None:
        server.limits = Limits(rpm=600)
        [reply] = send(server, provider, "Hello.")
        assert len(reply.headers) == 3
        assert all(name.startswith(PREFIX[provider]) for name in reply.headers)

    @both
    def test_come_with_a_refusal(self, server: LocalServer, provider: str) -> None:
        sent = {"X-RateLimit-Reset-Requests": "2s", "set-cookie": "secret"}
        server.faults.add(faults.status(429, retry_after=3, headers=sent))
        with pytest.raises(StatusError) as caught:
            send(server, provider, "Hello.")
        assert caught.value.headers == {"retry-after": "3", "x-ratelimit-reset-requests": "2s"}
        assert caught.value.retry_after_s == 3.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_or_ignored(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 300))
    found = retry_after_s({"retry-after": later})
    assert found is not None
    assert 200 < found <= 300


class TestAConnection:
    """Used again only while nothing waits on it that was not asked for."""

    @both
    def test_with_a_late_copy_of_a_reply_is_not_used_again(
        self, server: LocalServer, provider: str
    ) -> None:
        with LocalServer() as undisturbed:
            plain = send(undisturbed, provider, "one", "two", "three")
        server.faults.add(faults.reply_twice(after_s=0.01))
        disturbed = send(server, provider, "one", "two", "three", pause_s=0.15)
        texts = texts_of(plain, provider)
        assert texts_of(disturbed, provider) == texts
        assert len(set(texts)) == 3

    @both
    def test_that_was_closed_meanwhile_costs_no_attempt(
        self, server: LocalServer, provider: str
    ) -> None:
        server.faults.add(faults.close_after_reply())
        assert len(send(server, provider, "one", "two", "three", pause_s=0.1)) == 3
        assert len(server.requests) == 3

    @both
    def test_that_is_silent_is_used_again(self, server: LocalServer, provider: str) -> None:
        send(server, provider, "one", "two", "three")
        assert server.connections == 1
