"""The bodies that go to Anthropic's messages, and the replies that come back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.base import ChatRequest, ReplySchema, Usage
from judgeforge.config.model import ModelConfig
from judgeforge.errors import MalformedReplyError
from judgeforge.text.messages import Message

SCHEMA = ReplySchema("judgment", {"type": "object", "properties": {"ok": {"type": "boolean"}}})
MESSAGES = (Message(role="system", content="Be brief."), Message(role="user", content="Why?"))


def body(
    *, schema: ReplySchema | None = None, messages: tuple[Message, ...] = MESSAGES, **own: Any
) -> dict[str, Any]:
    config = ModelConfig(provider="anthropic", model="claude-haiku-4-5", **own)
    request = ChatRequest(messages, 99, temperature=0.5, seed=3, reply_schema=schema)
    return AnthropicMessages(None, "key").body(config, request)


def read(*content: Any, **more: Any) -> Any:
    raw = json.dumps({"content": list(content), "stop_reason": "end_turn", **more}).encode()
    return AnthropicMessages(None, None).read(raw)


def test_a_request_is_the_messages_and_the_limit() -> None:
    assert body() == {
        "model": "claude-haiku-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Why?"}],
        "system": [{"type": "text", "text": "Be brief."}],
    }
    assert "system" not in body(messages=MESSAGES[1:])


def test_a_rubric_is_marked_for_the_prompt_cache_and_other_system_messages_are_not() -> None:
    marked = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    assert body(schema=SCHEMA)["system"] == [marked]
    assert "cache_control" not in body()["system"][0]


def test_a_temperature_is_sent_only_where_that_is_configured() -> None:
    assert body(send_temperature=True)["temperature"] == 0.5


def test_a_schema_is_asked_for_in_the_way_that_is_configured() -> None:
    form = {"type": "json_schema", "schema": SCHEMA.schema}
    assert body(schema=SCHEMA)["output_config"] == {"format": form}
    by_tool = body(schema=SCHEMA, structured="tool")
    assert by_tool["tools"] == [{"name": "judgment", "input_schema": SCHEMA.schema}]
    assert by_tool["tool_choice"] == {"type": "tool", "name": "judgment"}
    by_words = body(schema=SCHEMA, structured="instruction")
    assert json.dumps(SCHEMA.schema) in by_words["system"][0]["text"]
    assert not {"output_config", "tools"} & by_words.keys()


@pytest.mark.parametrize("inside", [False, True])
def test_an_effort_stands_beside_the_schema(inside: bool) -> None:
    effort: dict[str, Any] = {"output_config": {"effort": "low"}}
    sent = body(schema=SCHEMA, params={"extra_body": effort} if inside else effort)
    assert sent["output_config"]["effort"] == "low"
    assert sent["output_config"]["format"]["schema"] == SCHEMA.schema
    assert body(params=effort)["output_config"] == {"effort": "low"}


@pytest.mark.parametrize(
    ("output_config", "said"),
    [({"format": {}}, "`output_config.format` is set by judgeforge"), ("low", "must be a mapping")],
)
def test_the_schema_itself_is_no_param(output_config: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        body(params={"output_config": output_config})


def test_params_pass_through() -> None:
    sent = body(params={"stop_sequences": ["END"], "extra_body": {"service_tier": "auto"}})
    assert (sent["stop_sequences"], sent["service_tier"]) == (["END"], "auto")


TEXT = {"type": "text", "text": "Yes."}


@pytest.mark.parametrize(
    ("content", "stop_reason", "wanted"),
    [
        ([TEXT], "end_turn", ("Yes.", "stop", None)),
        ([TEXT, TEXT], "end_turn", ("Yes.Yes.", "stop", None)),
        ([TEXT], "max_tokens", ("Yes.", "length", None)),
        ([TEXT], "model_context_window_exceeded", ("Yes.", "length", None)),
        ([TEXT], "refusal", ("Yes.", "refusal", None)),
        ([], "end_turn", ("", "empty", None)),
        ([{"type": "thinking", "thinking": "hm"}, TEXT], "end_turn", ("Yes.", "stop", "hm")),
        ([{"type": "tool_use", "input": {"ok": True}}], "tool_use", ('{"ok": true}', "stop", None)),
        ([{"type": "tool_use", "input": '{"ok": 1}'}], "tool_use", ('{"ok": 1}', "stop", None)),
        (
            [{"type": "text", "text": "\n"}, {"type": "tool_use", "input": {"ok": True}}],
            "tool_use",
            ('{"ok": true}', "stop", None),
        ),
        ([{"type": "text", "text": None}, 3, None, TEXT], "end_turn", ("Yes.", "stop", None)),
        ([{"type": "redacted_thinking", "data": "xx"}, TEXT], "end_turn", ("Yes.", "stop", None)),
        ([{"text": "Yes."}], {"reason": "end"}, ("Yes.", "unknown", None)),
    ],
)
def test_a_reply_is_its_text_its_end_and_its_reasoning(
    content: list[Any], stop_reason: Any, wanted: tuple[str, str, str | None]
) -> None:
    found = read(*content, stop_reason=stop_reason)
    assert (found.text, found.finish, found.reasoning) == wanted


def test_input_is_counted_whole_with_what_was_cached() -> None:
    usage = {
        "input_tokens": 10,
        "output_tokens": 40,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 30,
    }
    assert read(TEXT, usage=usage).usage == Usage(100, 40, 60, 30)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"input_tokens": 0, "output_tokens": 5},
        {"input_tokens": 5, "output_tokens": -1},
        {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": -3},
        {"input_tokens": None, "output_tokens": 1, "cache_read_input_tokens": 3},
        {"input_tokens": 5, "output_tokens": None},
    ],
)
def test_usage_that_cannot_be_true_is_unknown(usage: dict[str, Any] | None) -> None:
    assert read(TEXT, usage=usage).usage is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"<html>", b"\xff"])
def test_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        AnthropicMessages(None, None).read(raw)
