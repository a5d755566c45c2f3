"""Alpaca's rows: instruction and input are the prompt, the output is its last answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.foreign_rows import (
    JUDGED,
    answers,
    only_prompt,
    only_skip,
    read_rows,
    said,
    write_rows,
)

ROW = {"instruction": "Name the capital.", "input": "Styria", "output": "Graz."}
ASKED = [("user", "Name the capital.\n\nStyria")]


def test_it_is_recognised(tmp_path: Path) -> None:
    rows, source = read_rows(write_rows(tmp_path / "a.json", [ROW] * 2), last_answer="drop")
    assert said(rows[0]) == ASKED  # type: ignore[arg-type]
    assert dict(source.shapes) == {"alpaca": 2}


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_without_an_input_the_instruction_is_all(tmp_path: Path, nothing: str | None) -> None:
    row = {"instruction": "Name a capital.", "input": nothing, "output": ""}
    assert said(only_prompt(tmp_path, row)) == [("user", "Name a capital.")]


def test_its_output_is_an_answer_which_is_refused_dropped_or_judged(tmp_path: Path) -> None:
    assert "last_answer" in only_skip(tmp_path, ROW).detail
    assert said(only_prompt(tmp_path, ROW, last_answer="drop")) == ASKED
    row = {**ROW, "completions": ["Vienna."]}
    judged = only_prompt(tmp_path, row, JUDGED, last_answer="completion")
    assert answers(judged) == [(None, "Vienna."), (None, "Graz.")]


def test_dolly_has_other_names_for_them(tmp_path: Path) -> None:
    row = {"instruction": "Name the capital.", "context": "Styria", "response": "Graz."}
    assert said(only_prompt(tmp_path, row, last_answer="drop")) == ASKED
    assert "last_answer" in only_skip(tmp_path, row).detail


def test_instructions_with_completions_that_are_objects(tmp_path: Path) -> None:
    row = {
        "instruction": "Name a capital.",
        "source": "evol_instruct",
        "completions": [
            {"model": "alpaca-7b", "response": "Vienna.", "overall_score": 6.0},
            {"model": "gpt-4", "response": "Graz?", "overall_score": 3.0},
        ],
    }
    prompt = only_prompt(tmp_path, row, JUDGED)
    assert [(one.model, one.text) for one in prompt.completions] == [
        ("alpaca-7b", "Vienna."),
        ("gpt-4", "Graz?"),
    ]


def test_a_column_that_the_configuration_calls_the_prompt_is_all_of_it(tmp_path: Path) -> None:
    prompt = only_prompt(tmp_path, ROW, fields={"prompt": "instruction"})
    assert said(prompt) == [("user", "Name the capital.")]


def test_an_input_that_is_no_text_is_a_named_skip(tmp_path: Path) -> None:
    assert "`input` must be a string" in only_skip(tmp_path, {**ROW, "input": 3}).detail
