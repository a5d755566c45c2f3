"""The bodies that go to chat completions, and the replies that come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.base import ChatRequest, ReplySchema, Usage
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.config.model import ModelConfig
from judgeforge.errors import MalformedReplyError
from judgeforge.records import Message

SCHEMA = ReplySchema("judgment", {"type": "object", "properties": {"ok": {"type": "boolean"}}})
MESSAGES = (Message(role="system", content="Be brief."), Message(role="user", content="Why?"))
OWN_SERVER = "http://127.0.0.1:8000/v1"


def body(
    *,
    model: str = "gpt-4.1",
    schema: ReplySchema | None = None,
    seed: int | None = None,
    **own: Any,
) -> dict[str, Any]:
    config = ModelConfig(provider="openai", model=model, **own)
    request = ChatRequest(MESSAGES, 99, temperature=0.5, seed=seed, reply_schema=schema)
    return OpenAIChat(config.base_url, "key").body(config, request)


def reply(message: dict[str, Any], **more: Any) -> bytes:
    finish = more.pop("finish_reason", "stop")
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode()


def read(message: dict[str, Any], **more: Any) -> Any:
    return OpenAIChat(None, None).read(reply(message, **more))


def test_a_request_is_the_messages_and_the_settings() -> None:
    assert body(seed=3) == {
        "model": "gpt-4.1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why?"},
        ],
        "max_completion_tokens": 99,
        "temperature": 0.5,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("own", "limit", "has_temperature"),
    [
        ({"model": "gpt-4.1"}, "max_completion_tokens", True),
        ({"model": "gpt-5.4-mini"}, "max_completion_tokens", False),
        ({"model": "o4-mini"}, "max_completion_tokens", False),
        ({"model": "gpt-5.4-mini", "base_url": OWN_SERVER}, "max_tokens", True),
        ({"model": "gpt-5.4", "send_temperature": True}, "max_completion_tokens", True),
        ({"model": "my", "base_url": OWN_SERVER, "send_temperature": False}, "max_tokens", False),
        (
            {"base_url": OWN_SERVER, "max_tokens_field": "max_completion_tokens"},
            "max_completion_tokens",
            True,
        ),
        ({"max_tokens_field": "max_tokens"}, "max_tokens", True),
    ],
)
def test_models_differ_in_what_they_take(
    own: dict[str, Any], limit: str, has_temperature: bool
) -> None:
    sent = body(**own)
    assert {name for name in sent if "max_" in name} == {limit}
    assert ("temperature" in sent) == has_temperature


def test_a_schema_is_asked_for_in_the_way_that_is_configured() -> None:
    by_format = body(schema=SCHEMA)["response_format"]["json_schema"]
    assert by_format == {"name": "judgment", "strict": True, "schema": SCHEMA.schema}
    by_tool = body(schema=SCHEMA, structured="tool")
    assert by_tool["tools"][0]["function"]["parameters"] == SCHEMA.schema
    assert by_tool["tool_choice"]["function"] == {"name": "judgment"}
    by_words = body(schema=SCHEMA, structured="instruction")
    assert by_words["messages"][0]["content"].startswith("Be brief.\n\n")
    assert json.dumps(SCHEMA.schema) in by_words["messages"][0]["content"]
    assert not {"response_format", "tools"} & by_words.keys()


def test_params_pass_through() -> None:
    params = {"top_p": 0.9, "stop": ["\n"], "extra_body": {"min_p": 0.1}}
    sent = body(params=params)
    assert (sent["top_p"], sent["stop"], sent["min_p"]) == (0.9, ["\n"], 0.1)
    assert "extra_body" not in sent


@pytest.mark.parametrize(
    ("message", "finish", "wanted"),
    [
        ({"content": "Yes."}, "stop", ("Yes.", "stop", None)),
        ({"content": "Yes"}, "length", ("Yes", "length", None)),
        ({"content": None}, "content_filter", ("", "content_filter", None)),
        ({"content": " \n"}, "stop", (" \n", "empty", None)),
        ({"content": None, "refusal": "No."}, "stop", ("No.", "refusal", None)),
        ({"content": "<think>hm</think>Yes."}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "hm</think>Yes."}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "<think>hm"}, "length", ("", "length", "hm")),
        ({"content": "Yes.", "reasoning_content": "hm"}, "stop", ("Yes.", "stop", "hm")),
        ({"content": "Yes.", "reasoning": "hm"}, "stop", ("Yes.", "stop", "hm")),
        ({"content": None, "tool_calls": [{"function": {"arguments": '{"ok": true}'}}]},
         "tool_calls", ('{"ok": true}', "stop", None)),
    ],
)  # fmt: skip
def test_a_reply_is_its_text_its_end_and_its_reasoning(
    message: dict[str, Any], finish: str, wanted: tuple[str, str, str | None]
) -> None:
    found = read(message, finish_reason=finish)
    assert (found.text, found.finish, found.reasoning) == wanted


def test_usage_has_its_parts() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 25},
    }
    assert read({"content": "a"}, usage=usage).usage == Usage(100, 40, 60, 0, 25)


@pytest.mark.parametrize(("total", "output"), [(541, 509), (41, 9), (0, 9), (None, 9)])
def test_reasoning_that_only_the_total_counts_is_output(total: int | None, output: int) -> None:
    usage = {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": total}
    assert read({"content": "a"}, usage=usage).usage == Usage(32, output)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": 0, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 6}},
        {},
        {"prompt_tokens": 5, "completion_tokens": None},
        {"prompt_tokens": 5.5, "completion_tokens": 1},
        {"prompt_tokens": 5, "completion_tokens": 10**400},
    ],
)
def test_usage_that_cannot_be_true_is_unknown(usage: dict[str, Any] | None) -> None:
    assert read({"content": "a"}, usage=usage).usage is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"choices": []}', b"<html>", b"\xff"])
def test_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        OpenAIChat(None, None).read(raw)
