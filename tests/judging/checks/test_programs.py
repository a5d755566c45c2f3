"""What a check gives to a program, and what it knows without one. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.judging.checks import (
    check_results,
    parse_checks,
    parse_checks_of_row,
    tasks_of,
)
from judgeforge.judging.checks.programs import Task, Verdict
from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.text.messages import Message

HUMAN_EVAL = "NAMES = {}\n\ndef check(candidate):\n    assert candidate(1) == 2\n"
CODE = "```python\nx = 1\n```"


def given(check: dict[str, Any], subject: Subject) -> dict[str, Any]:
    (task,) = tasks_of(parse_checks(check), subject)
    found: dict[str, Any] = json.loads(task.given)
    return found


def undecided(check: dict[str, Any], subject: Subject) -> str:
    checks = parse_checks(check)
    assert tasks_of(checks, subject) == []
    with pytest.raises(UndecidedCheckError) as error:
        check_results(checks, subject)
    return str(error.value)


def test_mathematics_gets_the_answer_and_the_reference_in_one_form() -> None:
    subject = Subject("cafe\u0301 5", "5", metadata={"solution": 7})
    found = given({"math_equals": "reference"}, subject)
    assert found == {"answer": "caf\u00e9 5", "reference": "5", "decimals": 6}
    assert given({"math_equals": "solution"}, subject)["reference"] == "7"
    assert given({"math_equals": {"of": "solution", "decimals": 2}}, subject)["decimals"] == 2


def test_tests_get_the_code_and_the_limits() -> None:
    subject = Subject(CODE, metadata={"tests": "assert x", "setup": "y = 2", "name": "x"})
    found = given(
        {
            "python_tests": {
                "setup": "setup",
                "entry_point": "name",
                "timeout_s": 3,
                "memory_mb": 128,
            }
        },
        subject,
    )
    assert found == {
        "code": "x = 1\n",
        "tests": ["assert x"],
        "setup": "y = 2",
        "entry_point": "x",
        "timeout_s": 3.0,
        "memory_mb": 128,
    }
    assert given({"python_tests": "tests"}, subject)["tests"] == ["assert x"]


def test_a_function_gets_the_answer_and_the_row() -> None:
    subject = Subject("a", "r", (), {"k": 1}, (Message(role="user", content="q"),))
    assert given({"function": "m:f"}, subject) == {
        "function": "m:f",
        "answer": "a",
        "prompt": [{"role": "user", "content": "q"}],
        "reference": "r",
        "metadata": {"k": 1},
        "tool_calls": [],
    }


def test_an_answer_without_code_fails_without_a_program() -> None:
    checks = parse_checks({"python_tests": "tests"})
    subject = Subject("I cannot.", metadata={"tests": "assert x"})
    assert tasks_of(checks, subject) == []
    (result,) = check_results(checks, subject)
    assert (result.score, result.said) == (0.0, "the answer has no Python code")


@pytest.mark.parametrize(
    ("check", "metadata", "why"),
    [
        ({"math_equals": "reference"}, {}, "the row has no `reference`"),
        ({"math_equals": "solution"}, {}, "the row has no `solution` in its metadata"),
        ({"math_equals": "solution"}, {"solution": [1]}, "must be a text or a number"),
        ({"python_tests": "tests"}, {}, "the row has no `tests`"),
        ({"python_tests": "tests"}, {"tests": []}, "has no tests"),
        ({"python_tests": "tests"}, {"tests": [3]}, "must be Python as a text"),
        ({"python_tests": "tests"}, {"tests": [{"input": "1"}]}, "must be Python as a text"),
        ({"python_tests": {"setup": "s"}}, {"tests": "x"}, "the row has no `s`"),
        ({"python_tests": "tests"}, {"tests": ["assert f(1)", "assert ("]}, "is not valid Python"),
        ({"python_tests": "tests"}, {"tests": "# none yet"}, "has no tests"),
        ({"python_tests": "tests"}, {"tests": "'f(1) is 1'"}, "has values alone, which test noth"),
        ({"python_tests": "tests"}, {"tests": "[]"}, "has no tests"),
        ({"python_tests": "tests"}, {"tests": "[1, 2]"}, "must be Python as a text"),
        ({"python_tests": "tests"}, {"tests": HUMAN_EVAL}, "called where `entry_point` names"),
    ],
)
def test_what_the_row_lacks_is_named_and_leaves_the_answer_undecided(
    check: dict[str, Any], metadata: dict[str, Any], why: str
) -> None:
    assert why in undecided(check, Subject(CODE, metadata=metadata))


@pytest.mark.parametrize(
    ("cell", "tests"),
    [
        ('["assert f(1)", "assert f(2)"]', ["assert f(1)", "assert f(2)"]),
        ("['assert f(1)']", ["assert f(1)"]),
        ("[{'input': '1', 'output': '2'}]", [{"input": "1", "output": "2"}]),
        ("[f(1)]", ["[f(1)]"]),
        ("assert [f(1)]", ["assert [f(1)]"]),
    ],
)
def test_a_list_in_a_cell_of_a_table_is_its_tests_and_no_program_that_passes(
    cell: str, tests: list[Any]
) -> None:
    assert (
        given({"python_tests": "tests"}, Subject(CODE, metadata={"tests": cell}))["tests"] == tests
    )


@pytest.mark.parametrize(
    ("check", "tests"),
    [
        ({"python_tests": {"tests": "tests", "entry_point": "name"}}, HUMAN_EVAL),
        ({"python_tests": "tests"}, f"{HUMAN_EVAL}check(f)"),
        ({"python_tests": "tests"}, f"{HUMAN_EVAL}def test_it():\n    check(f)"),
        ({"python_tests": "tests"}, ["assert f(1)", "import math"]),
    ],
)
def test_tests_that_test_something_are_run(check: dict[str, Any], tests: Any) -> None:
    subject = Subject(CODE, metadata={"tests": tests, "name": "f"})
    assert len(tasks_of(parse_checks(check), subject)) == 1


def test_a_verdict_becomes_the_score_of_the_check() -> None:
    checks = parse_checks({"math_equals": "reference", "max_words": 3})
    subject = Subject("5", "5")
    (task,) = tasks_of(checks, subject)
    results = check_results(checks, subject, {task: Verdict(0.0, "`5` is not `6`")})
    assert [one.score for one in results] == [0.0, 1.0]
    assert str(results[0]) == 'math_equals: "reference" (`5` is not `6`)'
    with pytest.raises(UndecidedCheckError, match="check `math_equals`: it took longer"):
        check_results(checks, subject, {task: Verdict(None, "it took longer than 10 s")})


def test_equal_answers_make_equal_tasks() -> None:
    checks = parse_checks({"math_equals": "reference"})
    assert tasks_of(checks, Subject("caf\u00e9", "5")) == tasks_of(
        checks, Subject("cafe\u0301", "5")
    )
    assert isinstance(tasks_of(checks, Subject("a", "5"))[0], Task)


def test_a_row_names_no_function() -> None:
    with pytest.raises(ValueError, match="for rubrics only: a row is data"):
        parse_checks_of_row({"function": "os:system"})
    assert parse_checks_of_row({"math_equals": "reference"})


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"math_equals": ""}, "text that is not empty"),
        ({"math_equals": {"off": "reference"}}, "did you mean `of`"),
        ({"math_equals": {"decimals": 99}}, "from 0 to 15"),
        ({"math_equals": {"timeout_s": 0}}, "above 0"),
        ({"math_equals": {"timeout_s": "1"}}, "number of seconds"),
        ({"python_tests": {"test": "x"}}, "did you mean `tests`"),
        ({"python_tests": {"memory_mb": 1}}, "from 64 to"),
        ({"python_tests": {"timeout_s": 1e9}}, "at most 300"),
        ({"function": "name"}, "module:name"),
        ({"function": "a:b:c"}, "module:name"),
        ({"function": {"function": "a:b"}}, "mapping of `name`"),
    ],
)
def test_a_mistake_says_what_is_allowed(check: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_checks(check)
