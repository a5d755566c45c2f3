"""The order of a conversation: whose turn it is, and which turn of a tool answers which call. Pure.

As chat templates want it: what the system (or the developer) says first, then user and assistant in
turn; tools answer right after the assistant that called them, and every call is answered.
"""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.inputs.openai_messages import wrong_roles
from judgeforge.inputs.rows import bad
from judgeforge.text.messages import Message, ToolCall
from judgeforge.text.visible import quotable
from judgeforge.text.wording import did_you_mean, listed

_SPEAK_FIRST = ("system", "developer")


def in_order(messages: Sequence[Message], tools: Sequence[str] = ()) -> tuple[Message, ...]:
    """The same turns; one of a tool that does not say which call it answers is told so.

    ``tools``: the names of the row's own, where it has any. Raises RowProblemError.
    """
    start = _preamble(messages)
    ordered = list(messages[:start])
    open_calls: list[ToolCall] = []
    for number, message in enumerate(messages[start:], start=start + 1):
        before = ordered[-1].role if number > start + 1 else None
        _check_turn(message, number, before, has_open_calls=bool(open_calls))
        if message.role == "tool":
            call = _answered(message, number, open_calls)
            open_calls.remove(call)
            ordered.append(message.model_copy(update={"tool_call_id": call.id}))
            continue
        _check_names(message, number, tools)
        open_calls += message.tool_calls
        ordered.append(message)
    _check_end(ordered, start, open_calls)
    return tuple(ordered)


def _preamble(messages: Sequence[Message]) -> int:
    """How many turns there are before the conversation begins."""
    roles = [message.role for message in messages]
    start = 0
    while start < len(roles) and roles[start] in _SPEAK_FIRST:
        start += 1
    if roles[:start].count("system") > 1 or roles[:start].count("developer") > 1:
        wrong_roles(f"there are two {roles[0]} messages at the beginning; join them")
    late = next((role for role in roles[start:] if role in _SPEAK_FIRST), None)
    if late is not None:
        wrong_roles(f"a {late} message must be the first message; move or remove it")
    return start


def _check_turn(message: Message, number: int, before: str | None, *, has_open_calls: bool) -> None:
    role = message.role
    if role == "tool":
        if not has_open_calls:
            wrong_roles(
                f"message {number} is of a tool, and no call before it waits for an answer; add "
                "`tool_calls` to the assistant's message, or remove it"
            )
        return
    if has_open_calls:
        wrong_roles(
            f"message {number} is of role {role}, and a tool call before it has no answer; add the "
            "tool's message, or remove the call"
        )
    expected = "user" if before in {None, "assistant"} else "assistant"
    if role != expected:
        found = f"{role} first" if before is None else f"{role} after {before}"
        wrong_roles(f"turns must alternate and begin with user; found {found}")


def _answered(message: Message, number: int, open_calls: Sequence[ToolCall]) -> ToolCall:
    """Which of the open calls a tool's turn answers: its id tells, or its name, or the order."""
    if message.tool_call_id is not None:
        fitting = [call for call in open_calls if call.id == message.tool_call_id]
        asked = f"`{quotable(message.tool_call_id)}`"
    else:
        fitting = [call for call in open_calls if message.name in {None, call.name}]
        asked = f"of `{quotable(message.name or '')}`"
    if not fitting:
        waiting = listed((f"`{quotable(call.id)}`" for call in open_calls), 5)
        wrong_roles(
            f"message {number} answers the call {asked}, which does not wait for an answer "
            f"({waiting} does); give it the id of its call as `tool_call_id`"
        )
    return fitting[0]


def _check_names(message: Message, number: int, tools: Sequence[str]) -> None:
    for call in message.tool_calls:
        if tools and call.name not in tools:
            bad(
                f"message {number} calls `{quotable(call.name)}`, which is not among the row's "
                f"`tools` ({listed(map(quotable, tools), 8)}){did_you_mean(call.name, tools)}"
            )


def _check_end(messages: Sequence[Message], start: int, open_calls: Sequence[ToolCall]) -> None:
    if open_calls:
        wrong_roles(
            f"the call `{quotable(open_calls[0].id)}` of `{quotable(open_calls[0].name)}` has no "
            "answer; add the tool's message, or take the calls out of the prompt"
        )
    if len(messages) == start or messages[-1].role not in {"user", "tool"}:
        wrong_roles(
            "the last message must be the user's; add one, or take the answer out "
            "(`prompts: {last_answer: drop}` does so, `completion` makes it one to judge)"
        )
