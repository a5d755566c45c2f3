"""Messages as a person reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from judgeforge.text.shown_messages import (
    folded_thought,
    picture_words,
    row_message,
    row_spoken,
    spoken,
    tool_names,
    tools_text,
    turns_text,
)

CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')


def turn(role: Any, content: Any, **fields: Any) -> Message:
    return Message(role=role, content=content, **fields)


def picture(url: str) -> ImagePart:
    return ImagePart(image_url=ImageUrl(url=url))


TURNS = (
    turn("user", (TextPart(text="Where is this?"), picture("https://example.org/a.png"))),
    turn("assistant", "I look.", tool_calls=(CALL,), reasoning_content="A fjord."),
    turn("tool", "9 C\nrain", tool_call_id="call_1"),
    turn("assistant", None, tool_calls=(CALL,)),
    turn("tool", "9 C", tool_call_id="call_9", name="clock"),
    turn("tool", "9 C", tool_call_id="call_9"),
    turn("user", "So?"),
)


def test_a_conversation_names_calls_indents_results_and_folds_thoughts() -> None:
    assert turns_text(TURNS) == (
        "user: Where is this?\n"
        "[picture https://example.org/a.png]\n"
        "assistant, thought (8 characters): A fjord.\n"
        "assistant: I look.\n"
        '→ weather({"city": "Oslo"})\n'
        "tool, result of weather:\n"
        "    9 C\n"
        "    rain\n"
        'assistant: → weather({"city": "Oslo"})\n'
        "tool, result of clock:\n"
        "    9 C\n"
        "tool:\n"
        "    9 C\n"
        "user: So?"
    )


def test_turns_of_words_alone_are_role_and_words() -> None:
    turns = [turn("system", "Be brief."), turn("user", "Hi\nyou", name="ann")]
    assert turns_text(turns) == "system: Be brief.\nuser (ann): Hi\nyou"


@pytest.mark.parametrize("message", TURNS)
def test_rows_of_files_read_as_the_messages_that_they_were(message: Message) -> None:
    row = message.model_dump(mode="json")
    assert row_message(row) == message
    assert row_spoken(row) == spoken(message)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://example.org/a.png", "picture https://example.org/a.png"),
        ("https://example.org/" + "a" * 500, "picture https://example.org/" + "a" * 179 + "…"),
        ("pictures/a b.png", "picture pictures/a b.png"),
        ("data:image/png;base64,AAAA", "picture (png, 1 kB)"),
        ("data:image/JPEG;base64," + "A" * 4_000_000, "picture (jpeg, 3,000 kB)"),
    ],
)
def test_a_picture_is_told_by_its_link_or_by_what_it_is(url: str, words: str) -> None:
    assert picture_words(url) == words


def test_a_long_thought_is_folded() -> None:
    assert folded_thought("x" * 5000) == f"thought (5,000 characters): {'x' * 299}…"
    assert folded_thought(None) == folded_thought("") == ""


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ('[{"type": "function", "function": {"name": "weather"}}]', ["weather"]),
        ('[{"name": "weather"}, {"function": {}}, 3]', ["weather", "(without a name)"]),
    ],
)
def test_tools_are_named(tools: str, names: list[str]) -> None:
    assert tool_names(tools) == names


def test_tools_are_a_line_each_with_what_they_take() -> None:
    schema = {"type": "object", "properties": {"city": {}, "days": {}}, "required": ["city"]}
    tools = [
        {"type": "function", "function": {"name": "weather", "parameters": schema}},
        {"type": "function", "function": {"name": "news", "description": "What is new."}},
        {"name": "odd", "parameters": {"properties": [1], "required": "x"}},
        {"function": 3},
        "no tool",
    ]
    assert tools_text(json.dumps(tools)).splitlines() == [
        "weather(city, days?)",
        "news(): What is new.",
        "odd()",
    ]


@pytest.mark.parametrize("tools", ["no JSON", "3", "[]", "[" * 100_000])
def test_what_is_no_list_of_tools_stays_as_it_is(tools: str) -> None:
    assert tool_names(tools) == []
    assert tools_text(tools) == tools
