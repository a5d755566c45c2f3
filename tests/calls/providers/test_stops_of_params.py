"""`params.stop` of a model ends its completions; a judgment that it cut could not be read."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.base import ChatRequest, Provider, ReplySchema
from judgeforge.calls.providers.local import LocalProvider
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import Message

SCHEMA = ReplySchema("judgment", {"type": "object"})
PROVIDERS: dict[str, Provider] = {
    "openai": OpenAIChat("http://127.0.0.1:1", "key"),
    "anthropic": AnthropicMessages("http://127.0.0.1:1", "key"),
    "local": LocalProvider(),
}


def body(provider: str, params: dict[str, Any], schema: ReplySchema | None) -> dict[str, Any]:
    model = ModelConfig.model_validate({"provider": provider, "model": "m", "params": params})
    request = ChatRequest((Message(role="user", content="Hi"),), 64, 0.0, reply_schema=schema)
    return PROVIDERS[provider].body(model, request)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "params",
    [
        {"stop": ["\n"]},
        {"stop": "}"},
        {"stop_sequences": ["\n\n"]},
        {"extra_body": {"stop_token_ids": [2]}},
        {"extra_body": {"stop_strings": ["a"], "stop_words": ["b"]}},
    ],
)
def test_a_stop_goes_with_completions_only(provider: str, params: dict[str, Any]) -> None:
    sent = {**params.get("extra_body", {}), **params}
    sent.pop("extra_body", None)
    plain = body(provider, {}, None)
    assert body(provider, params, None) == {**plain, **sent}
    assert body(provider, params, SCHEMA) == body(provider, {}, SCHEMA)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_all_other_params_go_with_both(provider: str) -> None:
    for schema in (None, SCHEMA):
        assert body(provider, {"top_k": 5}, schema) == {**body(provider, {}, schema), "top_k": 5}
