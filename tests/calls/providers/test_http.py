"""The headers that speak of rate limits reach the door, whatever the reply."""

import asyncio

import pytest

from judgeforge.calls.providers.base import ChatRequest, open_provider
from judgeforge.config.model import ModelConfig
from judgeforge.errors import StatusError
from judgeforge.records import Message
from tests.local_server import Limits, faults

PREFIX = {"openai": "x-ratelimit-", "anthropic": "anthropic-ratelimit-"}


def send(server, provider):
    url = server.openai_url if provider == "openai" else server.anthropic_url
    model = ModelConfig(provider=provider, model="small", base_url=url)

    async def once():
        opened = open_provider(model, "key")
        request = ChatRequest((Message(role="user", content="Hello."),), 16, 1.0)
        try:
            return await opened.send(opened.body(model, request), model=model)
        finally:
            await opened.close()

    return asyncio.run(once())


@pytest.mark.parametrize("provider", PREFIX)
def test_a_reply_brings_its_rate_headers_and_no_others(server, provider):
    server.limits = Limits(rpm=600)
    headers = send(server, provider).headers
    assert len(headers) == 3
    assert all(name.startswith(PREFIX[provider]) for name in headers)


@pytest.mark.parametrize("provider", PREFIX)
def test_so_does_a_refusal(server, provider):
    sent = {"X-RateLimit-Reset-Requests": "2s", "set-cookie": "secret"}
    server.faults.add(faults.status(429, retry_after=3, headers=sent))
    with pytest.raises(StatusError) as caught:
        send(server, provider)
    assert caught.value.headers == {"retry-after": "3", "x-ratelimit-reset-requests": "2s"}
