"""Whose turn it is, and which tool's turn answers which call."""

from __future__ import annotations

from time import process_time

import pytest

from judgeforge.inputs.conversation import in_order
from judgeforge.inputs.rows import RowProblemError
from judgeforge.inputs.tools import read_tools
from judgeforge.text.messages import Message, Role, ToolCall


def turn(role: Role, text: str = "x") -> Message:
    return Message(role=role, content=text)


def calls(*ids: str, name: str = "f") -> Message:
    called = tuple(ToolCall(id=each, name=name, arguments="{}") for each in ids)
    return Message(role="assistant", content=None, tool_calls=called)


def answer(call: str | None = None, name: str | None = None) -> Message:
    return Message(role="tool", content="1", tool_call_id=call, name=name)


S, D, U, A = (turn(role) for role in ("system", "developer", "user", "assistant"))

RIGHT: list[list[Message]] = [
    [U],
    [S, U],
    [D, U],
    [S, D, U],
    [U, A, U],
    [U, calls("a"), answer("a")],
    [U, calls("a", "b"), answer("b"), answer("a"), A, U],
    [U, calls("a"), answer("a"), calls("b"), answer("b"), A, U],
]


@pytest.mark.parametrize("messages", RIGHT)
def test_these_orders_are_conversations(messages: list[Message]) -> None:
    assert in_order(messages) == tuple(messages)


WRONG: list[tuple[list[Message], str]] = [
    ([S], "the last message must be the user's"),
    ([U, A], "the last message must be the user's"),
    ([U, S], "a system message must be the first message"),
    ([U, A, U, D], "a developer message must be the first message"),
    ([S, S, U], "there are two system messages at the beginning"),
    ([A, U], "found assistant first"),
    ([U, U], "found user after user"),
    ([U, A, A], "found assistant after assistant"),
    ([U, answer("a")], "no call before it waits for an answer"),
    ([U, calls("a"), answer("b")], "answers the call `b`, which does not wait for an answer (`a`"),
    ([U, calls("a"), answer(name="g")], "answers the call of `g`"),
    ([U, calls("a"), answer("a"), answer("a")], "no call before it waits"),
    ([U, calls("a"), U], "a tool call before it has no answer"),
    ([U, calls("a", "b"), answer("a"), A, U], "a tool call before it has no answer"),
    ([U, calls("a", "b"), answer("a")], "the call `b` of `f` has no answer"),
    ([U, calls("a")], "the call `a` of `f` has no answer"),
    ([U, calls("a")], "`prompts: {last_answer: drop}`"),
    ([U, calls("a"), answer("a"), U], "found user after tool"),
]


@pytest.mark.parametrize(("messages", "says"), WRONG)
def test_what_is_none_is_named(messages: list[Message], says: str) -> None:
    with pytest.raises(RowProblemError) as raised:
        in_order(messages)
    assert says in raised.value.detail


def test_a_tool_without_an_id_answers_the_call_of_its_name_and_else_the_first_open_one() -> None:
    both = Message(
        role="assistant",
        content=None,
        tool_calls=(
            ToolCall(id="a", name="f", arguments="{}"),
            ToolCall(id="b", name="g", arguments="{}"),
        ),
    )
    named = in_order([U, both, answer(name="g"), answer(name="f")])
    assert [message.tool_call_id for message in named[2:]] == ["b", "a"]
    unnamed = in_order([U, both, answer(), answer()])
    assert [message.tool_call_id for message in unnamed[2:]] == ["a", "b"]


def test_a_call_names_a_tool_of_the_row_where_the_row_has_any() -> None:
    messages = [U, calls("a", name="wether"), answer("a")]
    assert in_order(messages)
    with pytest.raises(RowProblemError) as raised:
        in_order(messages, ["weather", "clock"])
    assert raised.value.detail == (
        "message 2 calls `wether`, which is not among the row's `tools` (weather, clock); "
        "did you mean `weather`?"
    )


def test_a_row_of_very_many_calls_is_read_in_the_time_of_its_length() -> None:
    number = 10_000
    names = [f"f{i}" for i in range(number)]
    called = tuple(ToolCall(id=name, name=name, arguments="{}") for name in names)
    asks = Message(role="assistant", content=None, tool_calls=called)
    by_id = [answer(name) for name in reversed(names)]
    by_name = [answer(name=name) for name in reversed(names)]
    by_order = [answer() for _ in names]
    begun = process_time()
    for answers in (by_id, by_name, by_order):
        assert len(in_order([U, asks, *answers], names)) == number + 2
    assert process_time() - begun < 10  # measured: 0.5 s; pair by pair it takes a minute
    tools = [{"function": {"name": name}} for name in names]
    assert read_tools(tools) is not None
    with pytest.raises(RowProblemError):
        in_order([U, calls("a", name="no such tool"), answer("a")], names)
    assert process_time() - begun < 20
