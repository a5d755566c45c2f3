"""All calls of an answer against those that are expected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgeforge.judging.checks import UndecidedCheckError, failed_checks, parse_checks
from judgeforge.judging.checks.subject import Subject
from judgeforge.text.messages import ToolCall

OSLO, ROME = {"city": "Oslo"}, {"city": "Rome"}


def calls(*made: tuple[str, str]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(id=str(n), name=name, arguments=a) for n, (name, a) in enumerate(made))


def passes(check: Any, *made: tuple[str, str], metadata: dict[str, Any] | None = None) -> bool:
    subject = Subject("", None, calls(*made), metadata or {})
    return not failed_checks(parse_checks({"tool_calls": check}), subject)


BOTH = [{"name": "look", "arguments": OSLO}, {"name": "look", "arguments": ROME}]
IN_OSLO, IN_ROME = ("look", '{"city": "Oslo"}'), ("look", '{"city":"Rome"}')


def test_they_are_these_and_no_others_in_any_order() -> None:
    assert passes(BOTH, IN_OSLO, IN_ROME)
    assert passes(BOTH, IN_ROME, IN_OSLO)
    assert not passes(BOTH, IN_OSLO)
    assert not passes(BOTH, IN_OSLO, IN_OSLO)
    assert not passes(BOTH, IN_OSLO, IN_ROME, ("more", "{}"))


def test_the_order_and_others_can_be_set() -> None:
    in_order = {"calls": BOTH, "order": "same"}
    assert passes(in_order, IN_OSLO, IN_ROME)
    assert not passes(in_order, IN_ROME, IN_OSLO)
    with_others = {"calls": BOTH, "order": "same", "others": "allow"}
    assert passes(with_others, ("more", "{}"), IN_OSLO, ("more", "{}"), IN_ROME)
    assert not passes(with_others, ("more", "{}"), IN_ROME, IN_OSLO)


def test_none_can_be_expected() -> None:
    assert passes([])
    assert not passes([], IN_OSLO)


def test_arguments_that_are_not_stated_may_be_any() -> None:
    assert passes([{"name": "look"}], ("look", "not even JSON"))
    assert passes([{"name": "look"}, {"name": "look", "arguments": OSLO}], IN_OSLO, IN_ROME)
    assert not passes([{"name": "look"}], ("Look", "{}"))


@pytest.mark.parametrize(
    ("wanted", "made", "same"),
    [
        ({"n": 1}, '{"n": 1.0}', True),
        ({"n": 1}, '{"n": true}', False),
        ({"n": True}, '{"n": 1}', False),
        ({"a": 1, "b": [1, {"c": None}]}, '{"b": [1, {"c": null}], "a": 1}', True),
        ({"a": [1, 2]}, '{"a": [2, 1]}', False),
        ({"t": "caf\u00e9"}, '{"t": "cafe\u0301"}', True),
        ({}, "", True),
        ({}, "[]", False),
        ({"a": 1}, "{a: 1}", False),
    ],
)
def test_arguments_are_compared_as_json(wanted: Any, made: str, same: bool) -> None:
    assert passes([{"name": "f", "arguments": wanted}], ("f", made)) is same


def test_they_may_be_of_the_row_as_messages_have_them() -> None:
    of_row = [{"type": "function", "function": {"name": "look", "arguments": '{"city": "Oslo"}'}}]
    of_row = [one["function"] for one in of_row]
    assert passes({"from": "calls"}, IN_OSLO, metadata={"calls": of_row})
    assert passes({"from": "calls"}, IN_OSLO, metadata={"calls": json.dumps(of_row)})
    assert not passes({"from": "calls"}, IN_ROME, metadata={"calls": of_row})
    with pytest.raises(UndecidedCheckError, match="the row has no `calls`"):
        passes({"from": "calls"}, IN_OSLO)
    with pytest.raises(UndecidedCheckError, match="`calls` of the row must"):
        passes({"from": "calls"}, IN_OSLO, metadata={"calls": "look"})


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("look", "must be a list of calls"),
        ({"calls": [], "from": "x"}, "must be a list of calls"),
        ({"calls": [], "ordered": True}, "`ordered` is not a setting"),
        ({"calls": [], "order": "strict"}, "`order` must be any or same"),
        ({"calls": [], "others": "no"}, "`others` must be refuse or allow"),
        ([{"tool": "look"}], "must have calls as"),
        ([{"name": "look", "arguments": 3}], "arguments that are a mapping"),
        ([{"name": "look", "arguments": "{"}], "JSON text"),
    ],
)
def test_a_mistake_says_what_is_allowed(check: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_checks({"tool_calls": check})
