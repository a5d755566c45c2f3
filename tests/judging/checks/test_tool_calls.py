"""Checks of tool calls: which tools an answer calls, and with which arguments."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.judging.checks import failed_checks, parse_checks
from judgeforge.judging.checks.subject import Subject
from judgeforge.judging.verification import run_checks
from judgeforge.text.messages import ToolCall
from tests.support.fake_asks import make_completion, make_prompt, make_rubric

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
    "additionalProperties": False,
}


def call(name: str = "weather", arguments: str = '{"city": "Oslo"}') -> ToolCall:
    return ToolCall(id="call_1", name=name, arguments=arguments)


def passes(check: dict[str, Any], *calls: ToolCall, text: str = "") -> bool:
    return not failed_checks(parse_checks(check), Subject(text, calls=calls))


@pytest.mark.parametrize(
    ("check", "calls", "passed"),
    [
        ({"calls_tool": "weather"}, [call()], True),
        ({"calls_tool": "weather"}, [], False),
        ({"calls_tool": "weather"}, [call("Weather")], False),
        ({"calls_tool": "weather"}, [call("search"), call()], True),
        ({"calls_tool": ["weather", "search"]}, [call()], False),
        ({"calls_tool": ["weather", "search"]}, [call("search"), call()], True),
        ({"no_tool_call": True}, [], True),
        ({"no_tool_call": True}, [call()], False),
        ({"tool_arguments": CITY}, [call()], True),
        ({"tool_arguments": CITY}, [], False),
        ({"tool_arguments": CITY}, [call(arguments='{"days":2,"city":"Oslo"}')], True),
        ({"tool_arguments": CITY}, [call(arguments='{"days": 0, "city": "Oslo"}')], False),
        ({"tool_arguments": CITY}, [call(arguments='{"town": "Oslo"}')], False),
        ({"tool_arguments": CITY}, [call(), call("search", "{}")], False),
        ({"tool_arguments": CITY}, [call(arguments="city: Oslo")], False),
        ({"tool_arguments": CITY}, [call(arguments='```\n{"city": "Oslo"}\n```')], False),
        ({"tool_arguments": {"tool": "weather", "schema": CITY}}, [call(), call("x", "{}")], True),
        ({"tool_arguments": {"tool": "weather", "schema": CITY}}, [call("x")], False),
        ({"tool_arguments": {"type": "object"}}, [call(arguments="")], True),
    ],
)
def test_calls_are_checked_by_name_and_arguments(
    check: dict[str, Any], calls: list[ToolCall], passed: bool
) -> None:
    assert passes(check, *calls) is passed


def test_a_text_that_looks_like_a_call_is_none() -> None:
    written = 'weather({"city": "Oslo"})'
    assert not passes({"calls_tool": "weather"}, text=written)
    assert passes({"no_tool_call": True}, text=written)


def test_checks_of_words_look_at_the_words_alone() -> None:
    assert passes({"max_words": 0}, call())
    assert not passes({"min_words": 1}, call())
    assert passes({"language": "en"}, call(arguments='{"stadt": "das ist nicht die Stadt"}'))


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ({"calls_tool": ""}, "calls_tool"),
        ({"calls_tool": []}, "1 to 100 names"),
        ({"calls_tool": 3}, "must be a text"),
        ({"no_tool_call": False}, "takes only `true`"),
        ({"tool_arguments": "object"}, "a JSON Schema"),
        ({"tool_arguments": {"tool": "weather"}}, "`schema`"),
        ({"tool_arguments": {"schema": CITY}}, "`tool`"),
        ({"tool_arguments": {"tool": "weather", "schema": {"$ref": "#"}}}, r"\$ref"),
        ({"tool_argument": CITY}, "did you mean `tool_arguments`"),
    ],
)
def test_a_wrong_argument_is_named(check: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_checks(check)


def test_a_required_call_is_judged_by_code() -> None:
    criterion = {"name": "looks", "check": {"calls_tool": "weather"}, "required": True}
    rubric = make_rubric(criteria=[criterion])
    answer = make_completion("")
    calling = answer.model_copy(update={"tool_calls": (call(),)})
    without, with_call = (run_checks(rubric, make_prompt(), one) for one in (answer, calling))
    assert without is not None
    assert with_call is not None
    assert (without.score, without.failed_required) == (0.0, ("looks",))
    assert (with_call.score, with_call.failed_required) == (1.0, ())
    assert without.rationale == 'failed: calls_tool: "weather"'
