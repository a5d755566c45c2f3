"""Pictures in requests: sent as they were checked, known by their hash, reserved by a bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.call import Call, make_call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.limits.replicas import Replicas
from judgeforge.calls.money.prices import HIDDEN_INPUT_TOKENS, ModelPrice, Rates
from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.base import ChatRequest, Provider
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.calls.providers.pictures import picture_of
from judgeforge.config.model import MOST_PICTURE_TOKENS, ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError
from judgeforge.store.pictures import read_picture
from judgeforge.store.spending import PICODOLLARS
from judgeforge.text.messages import PICTURE_TOKENS, ImagePart, ImageUrl, Message, TextPart
from tests.support.no_log import NoLog
from tests.support.pictures import data_url, png


def image(file: Path) -> ImageUrl:
    picture, _ = read_picture(file.name, file.parent)
    return ImageUrl(url=file.name, file=str(file), sha256=picture.sha256)


def asked(*images: ImageUrl) -> ChatRequest:
    parts = (TextPart(text="See"), *(ImagePart(image_url=each) for each in images))
    return ChatRequest((Message(role="user", content=parts),), 100, 0.0)


PROVIDERS: list[Provider] = [OpenAIChat(None, None), AnthropicMessages(None, None)]


def call_of(provider: Provider, request: ChatRequest) -> Call:
    model = ModelConfig(provider="openai", model="m")
    pictures = sum(len(message.pictures) for message in request.messages)
    body = provider.body(model, request)
    return make_call(
        model_name="m",
        provider="p",
        base_url="u",
        endpoint="/e",
        body=body,
        sample=0,
        pictures=pictures,
    )


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_call_is_known_by_the_bytes_of_its_pictures_and_keeps_only_their_hash(
    tmp_path: Path, provider: Provider
) -> None:
    shades = {name: png(shade) for name, shade in (("a", 1), ("b", 1), ("c", 2))}
    keys: dict[str, str] = {}
    for name, data in shades.items():
        (tmp_path / name).write_bytes(data)
        call = call_of(provider, asked(image(tmp_path / name)))
        keys[name] = call.key
        assert data_url(data).partition(",")[2] in json.dumps(call.body)
        assert data_url(data).partition(",")[2] not in call.request
    assert keys["a"] == keys["b"] != keys["c"]
    inline = ImageUrl(url=data_url(png(1)), sha256=image(tmp_path / "a").sha256)
    assert call_of(provider, asked(inline)).key == keys["a"]


def test_a_file_that_changed_since_it_was_checked_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(1))
    checked = image(file)
    assert (sent := picture_of(checked)) is not None
    assert sent.data == png(1)
    file.write_bytes(png(2))
    with pytest.raises(CallError, match=r"a\.png changed during the run"):
        picture_of(checked)
    file.unlink()
    with pytest.raises(CallError, match="there is no such file"):
        picture_of(checked)


def endpoint(**own: Any) -> Endpoint:
    model = ModelConfig(provider="openai", model="m", **own)
    limits = LimitsConfig()
    account, slots = ProviderAccount(), Slots(limits.concurrency)
    gate = ModelGate("m", model, limits, account=account, all_slots=slots, log=NoLog())
    price = ModelPrice(tiers=(Rates(1.0, 0.0, 1.0, 1.0),), source="test")
    return Endpoint("m", model, OpenAIChat(None, None), Replicas("m", [gate]), price)


@pytest.mark.parametrize("own", [{}, {"picture_tokens": 2000}])
def test_a_call_reserves_the_most_that_its_pictures_can_cost(own: dict[str, int]) -> None:
    far = ImageUrl(url="https://a.example/1.png")
    door = endpoint(**own)
    call = door.call(asked(far, far), 0)
    most = own.get("picture_tokens", MOST_PICTURE_TOKENS)
    tokens = call.request_bytes + HIDDEN_INPUT_TOKENS + 2 * most
    assert door.most_pico(call) == tokens * PICODOLLARS // 10**6
    assert door.size(call).input_tokens >= 2 * min(PICTURE_TOKENS, most)


def test_tools_are_a_part_of_what_a_call_reserves() -> None:
    door = endpoint()
    plain = ChatRequest((Message(role="user", content="Hi"),), 100, 0.0)
    function = {"name": "f", "description": "x" * 5000}
    tools = json.dumps([{"type": "function", "function": function}])
    with_tools = ChatRequest(plain.messages, 100, 0.0, tools=tools)
    more = door.call(with_tools, 0).request_bytes - door.call(plain, 0).request_bytes
    assert more > 5000
