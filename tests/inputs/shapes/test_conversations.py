"""ShareGPT and rows of messages: turns become messages, whoever wrote their column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.inputs.row_checks import RowChecks
from tests.support.foreign_rows import (
    JUDGED,
    answers,
    only_prompt,
    only_skip,
    read_rows,
    said,
    write_rows,
)

SHAREGPT = {
    "id": "identity_0",
    "source": "crawl",
    "conversations": [
        {"from": "human", "value": "Who wrote Faust?"},
        {"from": "gpt", "value": "Goethe."},
        {"from": "human", "value": "When?"},
    ],
}
FINE_TUNING = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who wrote Faust?"},
        {"role": "assistant", "content": "Goethe.", "weight": 1},
    ]
}
TURNS = [("user", "Who wrote Faust?"), ("assistant", "Goethe."), ("user", "When?")]


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".parquet"])
def test_sharegpt_is_recognised_and_its_other_columns_are_told(tmp_path: Path, ending: str) -> None:
    rows, source = read_rows(write_rows(tmp_path / f"rows{ending}", [SHAREGPT]))
    (prompt,) = rows
    assert said(prompt) == TURNS  # type: ignore[arg-type]
    assert dict(source.shapes) == {"sharegpt": 1}
    assert (list(source.used), list(source.unused)) == (["id", "conversations"], ["source"])


def test_a_set_without_a_usable_row_is_called_what_it_is(tmp_path: Path) -> None:
    _, source = read_rows(write_rows(tmp_path / "rows.jsonl", [{**FINE_TUNING, "source": "x"}]))
    assert source.described() == ["read as rows of messages; 1 column not used: source"]


def test_a_column_that_is_called_as_answers_are_elsewhere_is_told(tmp_path: Path) -> None:
    row = {"instruction": "Why?", "generations": ["So.", "Because."], "ratings": [1, 2]}
    _, source = read_rows(write_rows(tmp_path / "rows.jsonl", [row]))
    advice = "`prompts: {fields: {completions: generations}}` judges the answers in `generations`"
    assert source.described()[1:] == [advice]
    sides = {"prompt": "Why?", "chosen": "So.", "rejected": "No.", "generations": ["So.", "No."]}
    _, source = read_rows(write_rows(tmp_path / "rows.jsonl", [sides]), JUDGED)
    assert len(source.described()) == 1


def test_turns_may_be_the_text_of_a_list_and_of_roles(tmp_path: Path) -> None:
    text = {"conversations": json.dumps(SHAREGPT["conversations"])}
    assert said(only_prompt(tmp_path, text)) == TURNS
    roles = [{"role": role, "content": words} for role, words in TURNS]
    assert said(only_prompt(tmp_path, {"conversation": roles})) == TURNS


def test_a_prompt_may_have_turns_of_sharegpt_too(tmp_path: Path) -> None:
    assert said(only_prompt(tmp_path, {"prompt": SHAREGPT["conversations"]})) == TURNS


def test_a_column_system_goes_before_the_turns(tmp_path: Path) -> None:
    row = {**SHAREGPT, "system": "Be brief."}
    assert said(only_prompt(tmp_path, row)) == [("system", "Be brief."), *TURNS]
    text = {**row, "conversations": json.dumps(SHAREGPT["conversations"])}
    assert said(only_prompt(tmp_path, text)) == [("system", "Be brief."), *TURNS]
    twice = {"messages": FINE_TUNING["messages"][:2], "system": "Be long."}
    assert "another system message" in only_skip(tmp_path, twice).detail


def test_calls_and_observations_become_tool_calls_and_answers_of_tools(tmp_path: Path) -> None:
    tool = {"name": "weather", "description": "Tells it.", "parameters": {"type": "object"}}
    row = {
        "tools": json.dumps([tool]),
        "conversations": [
            {"from": "human", "value": "Rain in Graz?"},
            {"from": "function_call", "value": '{"name": "weather", "arguments": {"of": "Graz"}}'},
            {"from": "observation", "value": '{"rain": true}'},
        ],
    }
    prompt = only_prompt(tmp_path, row)
    _, calls, answer = prompt.messages
    (call,) = calls.tool_calls
    assert (call.name, call.arguments) == ("weather", '{"of": "Graz"}')
    assert (answer.role, answer.tool_call_id, answer.text) == ("tool", call.id, '{"rain": true}')
    assert prompt.tools is not None


@pytest.mark.parametrize(
    ("turns", "says"),
    [
        ([{"from": "bystander", "value": "Hi"}], "`from` of message 1 must be one of human"),
        ([{"from": "human", "value": "Hi"}, {"text": "x"}], "message 2 has no `from`"),
        ([{"from": "function_call", "value": "call!"}], "is not JSON"),
        ([{"from": "function_call", "value": "{}"}], "must be an object with `name`"),
        ([{"from": "observation", "value": "x"}], "message 1 is of `observation`, without a"),
    ],
)
def test_turns_that_cannot_be_kept_are_a_named_skip(
    tmp_path: Path, turns: list[dict[str, str]], says: str
) -> None:
    assert says in only_skip(tmp_path, {"conversations": turns}).detail


def test_a_row_for_fine_tuning_ends_in_an_answer_which_is_refused_by_default(
    tmp_path: Path,
) -> None:
    skip = only_skip(tmp_path, FINE_TUNING)
    assert skip.reason == "wrong_roles"
    assert "`prompts: {last_answer: drop}`" in skip.detail


def test_the_last_answer_is_dropped_or_becomes_a_completion(tmp_path: Path) -> None:
    question = [("system", "Be brief."), ("user", "Who wrote Faust?")]
    dropped = only_prompt(tmp_path, FINE_TUNING, last_answer="drop")
    assert (said(dropped), answers(dropped)) == (question, [])
    row = {**FINE_TUNING, "completions": ["Somebody."]}
    kept = only_prompt(tmp_path, row, JUDGED, last_answer="completion")
    assert said(kept) == question
    assert answers(kept) == [(None, "Somebody."), (None, "Goethe.")]


@pytest.mark.parametrize("checks", [JUDGED, RowChecks()])
def test_a_last_answer_that_stands_alone_cannot_be_compared(
    tmp_path: Path, checks: RowChecks
) -> None:
    skip = only_skip(tmp_path, FINE_TUNING, checks, last_answer="completion")
    assert skip.reason == "too_few_completions"
    assert "the last answer is the only completion" in skip.detail
    advice = ("`prompts: {last_answer: drop}`", "`sampling.add_to_ready`")
    assert [each in skip.detail for each in advice] == [checks is not JUDGED] * 2


def test_a_prompt_without_an_answer_is_the_same_with_any_setting(tmp_path: Path) -> None:
    row = {"prompt": [{"role": "user", "content": "Hi"}]}
    ids = {only_prompt(tmp_path, row, last_answer=each).digest for each in ("refuse", "drop")}
    assert len(ids) == 1
