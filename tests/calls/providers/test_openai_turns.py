"""Turns as chat completions take them, and completions that call tools."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.asked_reply import as_asked
from judgeforge.calls.providers.base import ChatRequest, ModelReply
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.calls.providers.openai_turns import openai_turns
from judgeforge.config.model import ModelConfig
from judgeforge.text.messages import Message, ToolCall

OWN_SERVER = "http://127.0.0.1:8000/v1"
SYSTEM, DEVELOPER = (
    Message(role="system", content="Be brief."),
    Message(role="developer", content="Use metric units."),
)
USER = Message(role="user", content="Hi")
THOUGHT = Message(role="assistant", content="Yes?", reasoning_content="Well.")
FUNCTION = {"name": "f", "parameters": {"type": "object"}}
TOOLS = json.dumps([{"type": "function", "function": FUNCTION}])


def model(**own: Any) -> ModelConfig:
    return ModelConfig(provider="openai", model="m", **own)


def test_openai_itself_knows_developers() -> None:
    sent = openai_turns(model(), [DEVELOPER, USER])
    assert sent[0] == {"role": "developer", "content": "Use metric units."}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([DEVELOPER, USER], "Use metric units."),
        ([SYSTEM, DEVELOPER, USER], "Be brief.\n\nUse metric units."),
        ([SYSTEM, USER], "Be brief."),
    ],
)
def test_to_other_servers_a_developer_speaks_as_the_system(
    messages: list[Message], said: str
) -> None:
    sent = openai_turns(model(base_url=OWN_SERVER), messages)
    assert sent == [{"role": "system", "content": said}, {"role": "user", "content": "Hi"}]


def test_without_a_system_role_a_developer_begins_what_the_user_says() -> None:
    config = model(base_url=OWN_SERVER, system_role="user")
    body = OpenAIChat(OWN_SERVER, None).body(config, ChatRequest((DEVELOPER, USER), 8, 0.0))
    assert body["messages"] == [{"role": "user", "content": "Use metric units.\n\nHi"}]


def test_earlier_thoughts_are_sent_only_where_the_model_is_said_to_take_them() -> None:
    plain = {"role": "assistant", "content": "Yes?"}
    assert openai_turns(model(), [THOUGHT]) == [plain]
    takes = model(base_url=OWN_SERVER, send_reasoning=True)
    assert openai_turns(takes, [THOUGHT]) == [{**plain, "reasoning_content": "Well."}]


def offered(message: dict[str, Any], end: str = "tool_calls", **own: Any) -> ModelReply:
    """What a reply says where tools were offered."""
    config = model(**own)
    body = OpenAIChat(None, None).body(config, ChatRequest((USER,), 8, 0.0, tools=TOOLS))
    choice = {"message": message, "finish_reason": end}
    raw = json.dumps({"choices": [choice]}).encode()
    return as_asked(OpenAIChat(None, None).read(raw), body, config)


def call(given_id: str | None = "a", arguments: Any = '{"x": 1}') -> dict[str, Any]:
    return {"id": given_id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def read(given_id: str = "a", arguments: str = '{"x": 1}') -> ToolCall:
    return ToolCall(id=given_id, name="f", arguments=arguments)


REPLIES: list[tuple[dict[str, Any], str, tuple[str, str, tuple[ToolCall, ...]]]] = [
    ({"content": None, "tool_calls": [call()]}, "tool_calls", ("", "stop", (read(),))),
    ({"content": "I look.", "tool_calls": [call()]}, "tool_calls", ("I look.", "stop", (read(),))),
    (
        {"content": "", "tool_calls": [call("a"), call("b")]},
        "tool_calls",
        ("", "stop", (read("a"), read("b"))),
    ),
    ({"content": None, "tool_calls": [call(arguments="")]}, "stop", ("", "stop", (read("a", ""),))),
    (
        {"content": None, "tool_calls": [call(None, {"x": 1})]},
        "stop",
        ("", "stop", (read("call_1"),)),
    ),
    (
        {"content": None, "tool_calls": [call(arguments="{")]},
        "stop",
        ("", "stop", (read("a", "{"),)),
    ),
    ({"content": None, "tool_calls": [call()]}, "length", ("", "length", (read(),))),
    ({"content": None, "tool_calls": [call()]}, "odd", ("", "unknown", (read(),))),
    (
        {"content": None, "function_call": {"name": "f", "arguments": '{"x": 1}'}},
        "function_call",
        ("", "stop", (read("call_1"),)),
    ),
    ({"content": "Words.", "tool_calls": []}, "stop", ("Words.", "stop", ())),
    ({"content": None, "tool_calls": None}, "stop", ("", "empty", ())),
    ({"content": "<think>hm</think>", "tool_calls": [call()]}, "stop", ("", "stop", (read(),))),
]


@pytest.mark.parametrize(("message", "end", "wanted"), REPLIES)
def test_a_completion_has_words_calls_or_both_and_calls_alone_are_whole(
    message: dict[str, Any], end: str, wanted: tuple[str, str, tuple[ToolCall, ...]]
) -> None:
    reply = offered(message, end)
    assert (reply.text, reply.finish, reply.tool_calls) == wanted


def test_thoughts_beside_calls_are_read_under_all_their_names() -> None:
    for name in ("reasoning_content", "reasoning", "thinking"):
        assert offered({"content": None, "tool_calls": [call()], name: "Hm."}).reasoning == "Hm."
    own = {"content": "[[Hm.]]", "tool_calls": [call()]}
    thought = offered(own, thinking_tags=("[[", "]]"))
    assert (thought.text, thought.finish, thought.reasoning) == ("", "stop", "Hm.")


def test_where_no_tool_was_offered_a_call_is_read_as_it_always_was() -> None:
    config = model()
    body = OpenAIChat(None, None).body(config, ChatRequest((USER,), 8, 0.0))
    choice = {"message": {"content": None, "tool_calls": [call()]}, "finish_reason": "tool_calls"}
    raw = json.dumps({"choices": [choice]}).encode()
    reply = as_asked(OpenAIChat(None, None).read(raw), body, config)
    assert (reply.text, reply.finish, reply.tool_calls) == ('{"x": 1}', "stop", ())
