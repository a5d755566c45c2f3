"""Thoughts as a trainer's chat template wants them."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.export.thinking import Thinking, with_thinking
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from tests.support.hand_made import pair

CALL = ToolCall(id="1", name="weather", arguments="{}")
PICTURE = ImagePart(image_url=ImageUrl(url="https://example.org/sky.png"))


def said(content: Any, **fields: Any) -> Message:
    return Message(role="assistant", content=content, reasoning_content="\nI weigh it.\n", **fields)


@pytest.mark.parametrize(
    ("message", "inline"),
    [
        (said("Cold."), "<think>\nI weigh it.\n</think>\n\nCold."),
        (said(None, tool_calls=(CALL,)), "<think>\nI weigh it.\n</think>"),
        (
            said((PICTURE, TextPart(text="Cold."))),
            (TextPart(text="<think>\nI weigh it.\n</think>\n\n"), PICTURE, TextPart(text="Cold.")),
        ),
    ],
)
@pytest.mark.parametrize("thinking", ["field", "inline", "drop"])
def test_an_answer_has_its_thought_as_a_field_in_its_words_or_not_at_all(
    message: Message, inline: object, thinking: Thinking
) -> None:
    plain = Message(role="assistant", content="Warm.")
    changed = with_thinking(pair(chosen=(message,), rejected=(plain,)), thinking)
    (chosen,) = changed.chosen
    kept = {"field": message.content, "inline": inline, "drop": message.content}
    assert chosen.content == kept[thinking]
    assert chosen.reasoning_content == ("\nI weigh it.\n" if thinking == "field" else None)
    assert chosen.tool_calls == message.tool_calls
    assert changed.rejected == (plain,)


@pytest.mark.parametrize("thinking", ["inline", "drop"])
def test_thoughts_of_earlier_turns_stand_in_a_field_only(thinking: Thinking) -> None:
    prompt = (said("Cold."), Message(role="user", content="And now?"))
    made = pair(prompt=prompt)
    assert with_thinking(made, "field") is made
    changed = with_thinking(made, thinking).prompt
    assert [turn.model_dump() for turn in changed] == [
        {"role": "assistant", "content": "Cold."},
        {"role": "user", "content": "And now?"},
    ]
