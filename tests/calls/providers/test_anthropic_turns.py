"""Turns and tools as Anthropic's messages take them, and completions that call tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.anthropic_turns import anthropic_turns, system_texts, tools_of
from judgeforge.calls.providers.asked_reply import as_asked
from judgeforge.calls.providers.base import ChatRequest, ModelReply
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall

MODEL = ModelConfig(provider="anthropic", model="m")
USER = Message(role="user", content="Hi")


def calls(*ids: str, content: str | None = None) -> Message:
    called = tuple(ToolCall(id=each, name="f", arguments='{"x": 1}') for each in ids)
    return Message(role="assistant", content=content, tool_calls=called)


def answer(call: str, content: Any = "1") -> Message:
    return Message(role="tool", content=content, tool_call_id=call)


def use(call: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": "f", "input": {"x": 1}}


def result(call: str, content: Any = "1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": content}


FAR = ImagePart(image_url=ImageUrl(url="https://a.example/1.png", detail="low"))
FAR_BLOCK = {"type": "image", "source": {"type": "url", "url": "https://a.example/1.png"}}

TURNS: list[tuple[list[Message], list[dict[str, Any]]]] = [
    ([USER], [{"role": "user", "content": "Hi"}]),
    (
        [calls("a", content="I look."), answer("a")],
        [
            {"role": "assistant", "content": [{"type": "text", "text": "I look."}, use("a")]},
            {"role": "user", "content": [result("a")]},
        ],
    ),
    ([calls("a", content=" ")], [{"role": "assistant", "content": [use("a")]}]),
    (
        [calls("a", "b"), answer("b"), answer("a"), calls("c"), answer("c")],
        [
            {"role": "assistant", "content": [use("a"), use("b")]},
            {"role": "user", "content": [result("b"), result("a")]},
            {"role": "assistant", "content": [use("c")]},
            {"role": "user", "content": [result("c")]},
        ],
    ),
    ([answer("call:1/x")], [{"role": "user", "content": [result("call_1_x")]}]),
    (
        [answer("a", (TextPart(text="See"), FAR))],
        [{"role": "user", "content": [result("a", [{"type": "text", "text": "See"}, FAR_BLOCK])]}],
    ),
]


@pytest.mark.parametrize(("messages", "sent"), TURNS)
def test_turns_are_blocks_where_they_are_more_than_words(
    messages: list[Message], sent: list[dict[str, Any]]
) -> None:
    assert anthropic_turns(messages) == sent


def test_system_and_developer_stand_apart() -> None:
    first = [Message(role="system", content="A"), Message(role="developer", content="B")]
    assert system_texts([*first, USER]) == ["A", "B"]
    assert anthropic_turns([*first, USER]) == [{"role": "user", "content": "Hi"}]
    body = AnthropicMessages(None, None).body(MODEL, ChatRequest((*first, USER), 8, 0.0))
    assert body["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]


def test_tools_are_those_of_the_row_and_else_named_after_the_calls_and_not_to_be_called() -> None:
    function = {"name": "f", "description": "d", "strict": True, "parameters": {"type": "object"}}
    tools = json.dumps([{"type": "function", "function": function}])
    sent = {"name": "f", "input_schema": {"type": "object"}, "description": "d", "strict": True}
    assert tools_of(tools, [USER]) == {"tools": [sent]}
    assert tools_of(None, [USER]) == {}
    assert tools_of(None, [calls("a", "b")]) == {
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "none"},
    }


def offered(*content: dict[str, Any], end: str = "tool_use") -> ModelReply:
    tools = json.dumps([{"type": "function", "function": {"name": "f"}}])
    provider = AnthropicMessages(None, None)
    body = provider.body(MODEL, ChatRequest((USER,), 8, 0.0, tools=tools))
    raw = json.dumps({"content": list(content), "stop_reason": end}).encode()
    return as_asked(provider.read(raw), body, MODEL)


WORDS, THINKS = {"type": "text", "text": "I look."}, {"type": "thinking", "thinking": "Hm."}
CALL = ToolCall(id="a", name="f", arguments='{"x": 1}')


@pytest.mark.parametrize(
    ("content", "end", "wanted"),
    [
        ([use("a")], "tool_use", ("", "stop", 1, None)),
        ([WORDS, use("a")], "tool_use", ("I look.", "stop", 1, None)),
        ([THINKS, WORDS, use("a"), use("b")], "tool_use", ("I look.", "stop", 2, "Hm.")),
        ([THINKS, use("a")], "tool_use", ("", "stop", 1, "Hm.")),
        ([THINKS, WORDS], "end_turn", ("I look.", "stop", 0, "Hm.")),
        ([use("a")], "max_tokens", ("", "length", 1, None)),
        ([{**use("a"), "input": {}}], "tool_use", ("", "stop", 1, None)),
        ([THINKS], "end_turn", ("", "empty", 0, "Hm.")),
    ],
)
def test_a_completion_has_words_calls_thoughts_or_all_of_them(
    content: list[dict[str, Any]], end: str, wanted: tuple[str, str, int, str | None]
) -> None:
    reply = offered(*content, end=end)
    found = (reply.text, reply.finish, len(reply.tool_calls), reply.reasoning)
    assert found == wanted
    if content == [use("a")]:
        assert reply.tool_calls == (CALL,)


def test_thoughts_of_others_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="provider `anthropic` takes no thoughts of others"):
        ModelConfig(provider="anthropic", model="m", send_reasoning=True)
