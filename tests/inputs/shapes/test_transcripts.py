"""Transcripts: a text with the speakers before their turns."""

from __future__ import annotations

from pathlib import Path

from judgeforge.inputs.shapes.transcripts import looks_like_transcript, transcript_turns
from tests.support.foreign_rows import only_prompt, only_skip, said

TEXT = "\n\nHuman: Who wrote Faust?\n\nAssistant: Goethe.\n\nHuman: When? \nRoughly.\n\nAssistant:"
TURNS = [
    ("user", "Who wrote Faust?"),
    ("assistant", "Goethe."),
    ("user", "When? \nRoughly."),
]


def test_a_prompt_stays_a_text_unless_the_configuration_calls_it_a_transcript(
    tmp_path: Path,
) -> None:
    assert said(only_prompt(tmp_path, {"prompt": TEXT})) == [("user", TEXT)]
    assert said(only_prompt(tmp_path, {"prompt": TEXT}, shape="transcript")) == TURNS


def test_the_column_may_have_another_name(tmp_path: Path) -> None:
    for fields in ({}, {"prompt": "dialogue"}):
        row = {fields.get("prompt", "text"): TEXT}
        assert said(only_prompt(tmp_path, row, shape="transcript", fields=fields)) == TURNS


def test_what_is_no_transcript_is_a_named_skip(tmp_path: Path) -> None:
    skip = only_skip(tmp_path, {"prompt": "Who?"}, shape="transcript")
    assert "does not begin with `Human:`" in skip.detail


def test_a_transcript_that_ends_in_an_answer_follows_the_setting(tmp_path: Path) -> None:
    row = {"prompt": TEXT + " In 1808."}
    assert "last_answer" in only_skip(tmp_path, row, shape="transcript").detail
    dropped = only_prompt(tmp_path, row, shape="transcript", last_answer="drop")
    assert said(dropped) == TURNS


def test_an_empty_answer_is_a_question_or_an_empty_answer() -> None:
    assert transcript_turns(TEXT)[-1]["role"] == "user"
    assert transcript_turns(TEXT, keep_empty_answer=True)[-1] == {
        "role": "assistant",
        "content": "",
    }


def test_a_text_that_only_mentions_speakers_does_not_look_like_one() -> None:
    assert looks_like_transcript(TEXT)
    assert not looks_like_transcript("Why do transcripts begin with\n\nHuman: and Assistant:?")
    assert not looks_like_transcript("Human: all too human")
    assert not looks_like_transcript(7)
