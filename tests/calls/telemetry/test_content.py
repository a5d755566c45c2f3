"""Words as attributes, in the form of the conventions, and when they are wanted at all."""

from __future__ import annotations

import json

import pytest

from judgeforge.calls.providers.base import ChatRequest, ModelReply
from judgeforge.calls.telemetry.content import answered, asked, is_wanted
from judgeforge.calls.telemetry.conventions import CAPTURE_CONTENT
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall

CALL = ToolCall(id="c1", name="look", arguments='{"at": 1}')
SHOWN_CALL = {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"at": 1}'}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, False),
        ("", False),
        ("false", False),
        ("no_content", False),
        ("event_only", False),
        ("true", True),
        ("SPAN_ONLY", True),
        ("span_and_event", True),
    ],
)
def test_the_usual_variable_decides(
    monkeypatch: pytest.MonkeyPatch, value: str | None, wanted: bool
) -> None:
    monkeypatch.delenv(CAPTURE_CONTENT, raising=False)
    if value is not None:
        monkeypatch.setenv(CAPTURE_CONTENT, value)
    assert is_wanted() is wanted


@pytest.mark.parametrize(
    ("message", "turn"),
    [
        (
            Message(role="user", content="Hi."),
            {"role": "user", "parts": [{"type": "text", "content": "Hi."}]},
        ),
        (
            Message(role="assistant", content=None, tool_calls=(CALL,)),
            {"role": "assistant", "parts": [SHOWN_CALL]},
        ),
        (
            Message(role="tool", content="a bird", tool_call_id="c1"),
            {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "id": "c1", "result": "a bird"}],
            },
        ),
        (
            Message(
                role="user",
                content=(
                    TextPart(text="What is it?"),
                    ImagePart(image_url=ImageUrl(url="https://example.org/bird.png")),
                ),
            ),
            {
                "role": "user",
                "parts": [{"type": "text", "content": "What is it?"}, {"type": "image"}],
            },
        ),
    ],
    ids=["words", "call", "result", "picture"],
)
def test_each_kind_of_turn_has_the_form_of_the_conventions(
    message: Message, turn: dict[str, object]
) -> None:
    request = ChatRequest(messages=(message,), max_tokens=8, temperature=0.0)
    assert json.loads(asked(request)) == [turn]


def test_an_answer_has_its_thoughts_words_and_calls() -> None:
    reply = ModelReply("It is a bird.", "stop", None, reasoning="Feathers.", tool_calls=(CALL,))
    (turn,) = json.loads(answered(reply))
    assert turn["parts"] == [
        {"type": "reasoning", "content": "Feathers."},
        {"type": "text", "content": "It is a bird."},
        SHOWN_CALL,
    ]


def test_what_looks_like_a_key_is_masked() -> None:
    reply = ModelReply("Use sk-abcdefghijklmnop1234.", "stop", None)
    assert "sk-abc" not in answered(reply)
