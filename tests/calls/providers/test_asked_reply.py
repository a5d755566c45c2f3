"""Where a tool was asked for, its arguments are the answer, wherever a server put its call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.calls.providers.anthropic_messages import AnthropicMessages
from judgeforge.calls.providers.asked_reply import as_asked
from judgeforge.calls.providers.base import Body, ModelReply
from judgeforge.calls.providers.openai_chat import OpenAIChat
from judgeforge.config.model import ModelConfig

MODEL = ModelConfig(provider="openai", model="m")
JUDGMENT = {"rationale": "Short.", "better": "A"}
WRITTEN = json.dumps(JUDGMENT)
OTHER = json.dumps({**JUDGMENT, "better": "B"})
OF_OPENAI: Body = {"tools": [], "tool_choice": {"type": "function", "function": {"name": "judge"}}}
OF_ANTHROPIC: Body = {"tools": [], "tool_choice": {"type": "tool", "name": "judge"}}
OFFERED: Body = {"tools": []}


def call(arguments: object, name: str = "judge", call_id: str = "a") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chat(*messages: dict[str, Any], asked: Body = OF_OPENAI, end: str = "stop") -> ModelReply:
    choices = [{"message": message, "finish_reason": end} for message in messages]
    raw = json.dumps({"choices": choices}).encode()
    return as_asked(OpenAIChat(None, None).read(raw), asked, MODEL)


def anthropic(*blocks: dict[str, Any]) -> ModelReply:
    raw = json.dumps({"content": blocks, "stop_reason": "tool_use"}).encode()
    return as_asked(AnthropicMessages(None, None).read(raw), OF_ANTHROPIC, MODEL)


@pytest.mark.parametrize(
    "message",
    [
        {"content": OTHER, "tool_calls": [call(WRITTEN)]},
        {"content": None, "tool_calls": [call(JUDGMENT)]},
        {"content": None, "tool_calls": [call(WRITTEN), call(WRITTEN, call_id="b")]},
        {"content": None, "tool_calls": [call('{"query": "x"}', "search"), call(WRITTEN)]},
        {"content": None, "tool_calls": [call("{}"), call(WRITTEN)]},
        {"content": None, "tool_calls": [call(WRITTEN, "functions.judge")]},
        {"content": WRITTEN, "tool_calls": [call("{}")]},
        {"content": WRITTEN, "tool_calls": [call(None)]},
        {"content": None, "tool_calls": [{"name": "judge", "parameters": JUDGMENT}]},
        {"content": None, "tool_calls": [{"custom": {"name": "judge", "input": WRITTEN}}]},
        {"content": [{"type": "tool_use", "id": "a", "name": "judge", "input": JUDGMENT}]},
    ],
)
def test_the_call_of_the_tool_is_the_answer_of_a_chat(message: dict[str, Any]) -> None:
    reply = chat(message)
    assert (json.loads(reply.text), reply.finish) == (JUDGMENT, "stop")


def test_words_and_call_may_come_as_two_choices() -> None:
    words, calls = {"content": "Let me see."}, {"content": None, "tool_calls": [call(WRITTEN)]}
    assert chat(words, calls).text == WRITTEN
    offered = chat(words, calls, asked=OFFERED)
    assert (offered.text, len(offered.tool_calls)) == ("Let me see.", 1)


@pytest.mark.parametrize(
    "blocks",
    [
        [{"type": "text", "text": OTHER}, {"type": "tool_use", "name": "judge", "input": JUDGMENT}],
        [
            {"type": "tool_use", "name": "search", "input": {"query": "x"}},
            {"type": "tool_use", "name": "judge", "input": JUDGMENT},
        ],
        [{"type": "text", "text": WRITTEN}, {"type": "tool_use", "name": "judge", "input": {}}],
    ],
)
def test_so_it_is_of_a_message(blocks: list[dict[str, Any]]) -> None:
    assert json.loads(anthropic(*blocks).text) == JUDGMENT


def test_calls_that_differ_are_not_chosen_from() -> None:
    reply = chat({"content": None, "tool_calls": [call(WRITTEN), call(OTHER)]})
    assert reply.text == f"{WRITTEN}\n{OTHER}"


def test_a_call_that_stands_in_the_text_after_words_is_the_answer() -> None:
    called = f'<tool_call>{{"name": "judge", "arguments": {WRITTEN}}}</tool_call>'
    thought = "<think>With <tool_call>?</think>"
    for words in ("I will call it.\n", thought):
        assert chat({"content": f"{words}{called}"}).text.strip() == called
    for text in (f"Not\n{called}\nbut\n{called}", f"I will.\n{WRITTEN}"):
        assert chat({"content": text}).text == text
    said = f"It says: {called}"
    assert chat({"content": said}, asked=OFFERED).text == said
    quoted = {**OF_OPENAI, "messages": [{"role": "user", "content": f"Judge {called}"}]}
    assert chat({"content": said}, asked=quoted).text == said


def test_a_call_that_was_cut_is_cut() -> None:
    assert chat({"tool_calls": [call(WRITTEN[:9])]}, end="length").finish == "length"
