"""Two answers and what was said of them, in the columns of public sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.foreign_rows import JUDGED, answers, only_prompt, only_skip, said

HELPSTEER3: dict[str, Any] = {
    "domain": "general",
    "language": "english",
    "context": [{"role": "user", "content": "Who wrote Faust?"}],
    "response1": "Goethe.",
    "response2": "Schiller.",
    "overall_preference": -2,
}
ARENA: dict[str, Any] = {
    "question_id": "58",
    "model_a": "alpaca-13b",
    "model_b": "gpt-4",
    "winner": "model_b",
    "conversation_a": [
        {"role": "user", "content": "Who wrote Faust?"},
        {"role": "assistant", "content": "Schiller."},
    ],
    "conversation_b": [
        {"role": "user", "content": "Who wrote Faust?"},
        {"role": "assistant", "content": "Goethe."},
    ],
}
HELPSTEER2 = {
    "prompt": "Who wrote Faust?",
    "response_1": "Goethe.",
    "response_2": "Schiller.",
    "preference_strength": -1,
}
SAFE = {
    "prompt": "Who wrote Faust?",
    "response_0": "Schiller.",
    "response_1": "Goethe.",
    "better_response_id": 1,
}


@pytest.mark.parametrize("row", [HELPSTEER3, ARENA, HELPSTEER2, SAFE])
def test_what_was_preferred_is_the_chosen_side(tmp_path: Path, row: dict[str, Any]) -> None:
    prompt = only_prompt(tmp_path, row, JUDGED)
    assert said(prompt) == [("user", "Who wrote Faust?")]
    assert sorted(answers(prompt)) == [("chosen", "Goethe."), ("rejected", "Schiller.")]


def test_who_wrote_an_answer_is_kept(tmp_path: Path) -> None:
    prompt = only_prompt(tmp_path, ARENA, JUDGED)
    assert [one.model for one in prompt.completions] == ["alpaca-13b", "gpt-4"]


@pytest.mark.parametrize(
    ("row", "column", "neither"),
    [(HELPSTEER3, "overall_preference", 0), (ARENA, "winner", "tie (bothbad)")],
)
def test_a_tie_has_no_sides(
    tmp_path: Path, row: dict[str, Any], column: str, neither: object
) -> None:
    prompt = only_prompt(tmp_path, {**row, column: neither}, JUDGED)
    assert [one.given for one in prompt.completions] == [None, None]


@pytest.mark.parametrize("value", ["left", True, float("nan")])
def test_what_nobody_can_read_is_a_named_skip(tmp_path: Path, value: object) -> None:
    skip = only_skip(tmp_path, {**HELPSTEER3, "overall_preference": value}, JUDGED)
    assert "does not say which answer is better" in skip.detail
    assert "`winner` does not say" in only_skip(tmp_path, {**ARENA, "winner": 3}, JUDGED).detail


def test_a_prompt_may_be_the_text_of_messages(tmp_path: Path) -> None:
    row = {**HELPSTEER2, "prompt": json.dumps(HELPSTEER3["context"])}
    assert said(only_prompt(tmp_path, row, JUDGED)) == [("user", "Who wrote Faust?")]
