"""Completions that a row brings: kept whole, as they were written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.config.run import Fields
from judgeforge.inputs.completions import read_completions, require_two
from judgeforge.inputs.noticed import Noticed, Reading
from judgeforge.inputs.row_checks import RowChecks, check_row
from judgeforge.inputs.rows import RawRow, RowProblemError
from judgeforge.records import ReadyCompletion

CALL = {"id": "a", "type": "function", "function": {"name": "nothing", "arguments": "{"}}


def read(*values: object, noticed: Noticed | None = None) -> tuple[ReadyCompletion, ...]:
    reading = Reading(None, noticed or Noticed())
    return read_completions(list(values), reading)


KEPT: list[tuple[Any, dict[str, Any]]] = [
    ("one", {"text": "one"}),
    ({"text": "one", "model": "m"}, {"text": "one", "model": "m"}),
    ({"role": "assistant", "content": "one"}, {"text": "one"}),
    ({"content": [{"type": "text", "text": "one"}]}, {"text": "one"}),
    ({"text": "one", "thinking": "Hm."}, {"text": "one", "reasoning": "Hm."}),
    ({"text": "", "tool_calls": [CALL]}, {"text": "", "tool_calls": [CALL]}),
    (
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Hm."},
        {"text": "", "tool_calls": [CALL], "reasoning": "Hm."},
    ),
]


@pytest.mark.parametrize(("value", "kept"), KEPT)
def test_a_completion_is_kept_with_its_calls_and_its_thought(
    value: object, kept: dict[str, Any]
) -> None:
    """Also calls of a tool that the row has not, with arguments that are no JSON: it is judged."""
    completion, _ = read(value, "other")
    assert completion.model_dump(mode="json") == kept


def test_two_that_differ_in_their_calls_only_are_two() -> None:
    other = {**CALL, "function": {"name": "nothing", "arguments": "{}"}}
    require_two(read({"tool_calls": [CALL]}, {"tool_calls": [other]}), sampled=False)
    with pytest.raises(RowProblemError, match="two different texts"):
        require_two(read({"tool_calls": [CALL]}, {"tool_calls": [{**CALL}]}), sampled=False)


WRONG: list[tuple[object, str]] = [
    (3, "completion 1 must be a string or an object with `text`, found a number"),
    ({"model": "m"}, "found an object with model"),
    ({"role": "user", "content": "x"}, "a message of another role than assistant"),
    ({"content": 3}, "must be a string, found a number"),
    ({"text": "x", "tool_calls": {}}, "`tool_calls` of completion 1 must be a list"),
]


@pytest.mark.parametrize(("value", "says"), WRONG)
def test_a_mistake_says_which_completion(value: object, says: str) -> None:
    with pytest.raises(RowProblemError) as raised:
        read(value, "other")
    assert says in raised.value.detail


def test_what_no_completion_has_is_noticed() -> None:
    noticed = Noticed()
    first = {"text": "one", "logprobs": [1], "given": "by Ann"}
    read(first, {"text": "two", "finish_reason": None, "given": "chosen"}, noticed=noticed)
    assert dict(noticed.left_out) == {"completions.logprobs": 1, "completions.given": 2}


STEPS: dict[str, Any] = {
    "prompt": "Which is larger, 9.8 or 9.11?",
    "completions": ["0.8 and 0.11.", "0.11 is greater.", "Hence 9.11."],
    "labels": [True, False, False],
}


@pytest.mark.parametrize("as_text", [False, True], ids=["lists", "cells of a table"])
def test_steps_of_one_answer_with_a_label_each_are_not_answers_to_compare(as_text: bool) -> None:
    """TRL's format of stepwise supervision."""
    row = {k: json.dumps(v) if as_text and k != "prompt" else v for k, v in STEPS.items()}
    with pytest.raises(RowProblemError, match="steps of one answer"):
        check_row(RawRow(1, row), Fields(), RowChecks())


@pytest.mark.parametrize(
    ("fields", "changed", "completions"),
    [
        (Fields(completions=None), {}, 0),
        (Fields(completions="completions"), {}, 3),
        (Fields(), {"labels": [1, 0, 0]}, 3),
        (Fields(), {"labels": [True, False]}, 3),
        (Fields(), {"labels": None}, 3),
        (Fields(), {"labels": "geography, easy"}, 3),
    ],
    ids=["not read", "said to be answers", "numbers", "of others", "none", "words"],
)
def test_other_labels_and_what_the_configuration_says_are_no_steps(
    fields: Fields, changed: dict[str, Any], completions: int
) -> None:
    row = check_row(RawRow(1, STEPS | changed), fields, RowChecks())
    assert len(row.prompt("a").completions) == completions
