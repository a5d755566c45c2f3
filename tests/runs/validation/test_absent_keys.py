"""A key that the rubric's checks read and no row has is told before anything is paid."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.judging.rubric import Rubric
from judgeforge.records import Prompt
from judgeforge.runs.validation.absent_keys import AbsentKeys
from judgeforge.text.messages import Message


def warned(check: dict[str, Any], *rows: dict[str, Any]) -> list[str]:
    criteria = [{"name": "right", "check": check}]
    absent = AbsentKeys(Rubric.model_validate({"name": "r", "version": 1, "criteria": criteria}))
    for number, metadata in enumerate(rows):
        said = (Message(role="user", content="q"),)
        absent.add(Prompt(id=f"p{number}", messages=said, line=1, digest="", metadata=metadata))
    return absent.warnings()


@pytest.mark.parametrize(
    "check",
    [
        {"python_tests": "test"},
        {"math_equals": "test"},
        {"tool_calls": {"from": "test"}},
        {"from_metadata": "test"},
    ],
)
def test_a_key_that_no_row_has_is_named_with_the_nearest_that_rows_have(
    check: dict[str, Any],
) -> None:
    (warning,) = warned(check, {"tests": "assert x", "test": None}, {"tests": "assert y"})
    assert "no row has `test` in its metadata" in warning
    assert "the criterion `right` reads; did you mean `tests`?" in warning
    assert warned(check, {"tests": "assert x"}, {"test": {}}) == []
    assert warned(check) == []


def test_all_keys_of_a_check_count_and_the_reference_is_none_of_them() -> None:
    check = {"python_tests": {"tests": "tests", "setup": "before", "entry_point": "name"}}
    warnings = warned(check, {"tests": "assert x", "name": "f"})
    assert [one.split("`")[1] for one in warnings] == ["before"]
    assert warned({"math_equals": "reference"}, {}) == []


def test_a_rubric_that_cannot_be_read_says_nothing() -> None:
    assert AbsentKeys(None).warnings() == []
