"""Thoughts as a trainer's chat template wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.targets import ExportOptions
from judgeforge.results.export.thinking import Thinking, with_thinking
from judgeforge.text.messages import ImagePart, ImageUrl, Message, TextPart, ToolCall
from tests.support.hand_made import pair, run_folder

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


def test_an_export_says_how_many_rows_lose_earlier_thoughts_with_inline(tmp_path: Path) -> None:
    prompt = (said("Cold."), Message(role="user", content="And now?"))
    folder = run_folder(tmp_path / "run", [pair("p1", prompt=prompt), pair("p2")])
    options = ExportOptions(thinking="inline")
    summary = export_pairs(folder, target="trl", to=tmp_path / "out", options=options)
    (note,) = summary.notes
    assert note.startswith("1 row without the thoughts of earlier turns")


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
