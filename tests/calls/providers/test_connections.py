"""A connection on which something waits that nobody asked for is not used again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from judgeforge.calls.providers.base import ChatRequest, open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.records import Message
from tests.local_server import LocalServer, faults
from tests.support.run_setup import model


def asks(text: str) -> ChatRequest:
    return ChatRequest((Message(role="user", content=text),), max_tokens=64, temperature=0.0)


async def answers(settings: ModelConfig, *texts: str) -> list[str]:
    """One after the other, with a pause in which a late copy can arrive."""
    provider: Any = open_provider(settings, "sk-test")
    try:
        replies = []
        for text in texts:
            raw = await provider.send(provider.body(settings, asks(text)), model=settings)
            replies.append(provider.read(raw.body).text)
            await asyncio.sleep(0.15)
    finally:
        await provider.close()
    return replies


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_late_copy_of_a_reply_is_not_read_as_the_next_one(
    server: LocalServer, provider: str
) -> None:
    with LocalServer() as undisturbed:
        settings = ModelConfig.model_validate(model(undisturbed, provider))
        plain = asyncio.run(answers(settings, "one", "two", "three"))
    server.faults.add(faults.reply_twice(after_s=0.02))
    settings = ModelConfig.model_validate(model(server, provider))
    assert asyncio.run(answers(settings, "one", "two", "three")) == plain
    assert len(set(plain)) == 3


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_connection_that_was_closed_meanwhile_costs_no_attempt(
    server: LocalServer, provider: str
) -> None:
    settings = ModelConfig.model_validate(model(server, provider))
    server.faults.add(faults.close_after_reply())
    assert len(asyncio.run(answers(settings, "one", "two", "three"))) == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_silent_connection_is_used_again(server: LocalServer, provider: str) -> None:
    settings = ModelConfig.model_validate(model(server, provider))
    asyncio.run(answers(settings, "one", "two", "three"))
    assert server.connections == 1
