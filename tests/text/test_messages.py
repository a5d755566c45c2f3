"""Messages in the shape of files: only what is set, and back to what they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall

CALL = ToolCall(id="c1", name="weather", arguments='{"city": "Oslo"}')
IN_FILES = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
}
PICTURE = ImageUrl(url="cat.png", file="/in/cat.png", sha256="ab")

SHAPES: list[tuple[Message, dict[str, Any]]] = [
    (Message(role="user", content="Hi"), {"role": "user", "content": "Hi"}),
    (
        Message(role="assistant", content=None, tool_calls=(CALL,)),
        {"role": "assistant", "content": None, "tool_calls": [IN_FILES]},
    ),
    (
        Message(role="tool", content="7 C", tool_call_id="c1", name="weather"),
        {"role": "tool", "content": "7 C", "tool_call_id": "c1", "name": "weather"},
    ),
    (
        Message(role="assistant", content="So.", reasoning_content="Well."),
        {"role": "assistant", "content": "So.", "reasoning_content": "Well."},
    ),
    (
        Message(role="user", content=(TextPart(text="See"), ImagePart(image_url=PICTURE))),
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "cat.png"}},
            ],
        },
    ),
]


@pytest.mark.parametrize(("message", "written"), SHAPES)
def test_a_message_is_written_with_only_what_is_set_and_read_back_equal(
    message: Message, written: dict[str, Any]
) -> None:
    assert json.loads(message.model_dump_json()) == written
    again = Message.model_validate_json(message.model_dump_json())
    assert json.loads(again.model_dump_json()) == written
    assert (again.role, again.text, again.tool_calls) == (
        message.role,
        message.text,
        message.tool_calls,
    )


def test_the_text_of_a_message_is_its_words_and_no_picture() -> None:
    parts = (TextPart(text="See"), ImagePart(image_url=PICTURE), TextPart(text="this."))
    message = Message(role="user", content=parts)
    assert message.text == "See\nthis."
    assert message.pictures == (PICTURE,)
    assert Message(role="assistant", content=None, tool_calls=(CALL,)).text == ""


def test_a_picture_from_a_file_is_written_as_it_was_given_and_known_by_its_bytes() -> None:
    assert PICTURE.model_dump() == {"url": "cat.png"}
    assert PICTURE.identity == "sha256:ab"
    far = ImageUrl(url="https://a.example/b.png", detail="low")
    assert far.model_dump() == {"url": "https://a.example/b.png", "detail": "low"}
    assert far.identity == "https://a.example/b.png"


def test_a_field_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError, match="audio"):
        Message.model_validate({"role": "user", "content": "Hi", "audio": {}})
