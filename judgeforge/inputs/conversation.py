"""The order of a conversation: whose turn it is, and which turn of a tool answers which call. Pure.

As chat templates want it: what the system (or the developer) says first, then user and assistant in
turn; tools answer right after the assistant that called them, and every call is answered.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from judgeforge.inputs.openai_messages import wrong_roles
from judgeforge.inputs.rows import bad
from judgeforge.text.messages import Message, ToolCall
from judgeforge.text.visible import quotable
from judgeforge.text.wording import did_you_mean, listed

_SPEAK_FIRST = ("system", "developer")
_MOST_COMPARED = 1000
"""Names of tools that a wrong one is compared with."""


class _OpenCalls:
    """Calls that wait for an answer. A row may have a hundred thousand, so none is searched for."""

    def __init__(self) -> None:
        self._waiting: dict[str, ToolCall] = {}
        self._queues: defaultdict[str | None, deque[ToolCall]] = defaultdict(deque)
        """By name, and under None all; those that were answered by their id are passed over."""

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __iter__(self) -> Iterator[ToolCall]:
        return iter(self._waiting.values())

    def add(self, calls: Iterable[ToolCall]) -> None:
        for call in calls:
            self._waiting[call.id] = call
            self._queues[call.name].append(call)
            self._queues[None].append(call)

    def take(self, call_id: str | None, name: str | None) -> ToolCall | None:
        """The one that is meant: its id tells, or its name, or the order; None where none is."""
        if call_id is not None:
            return self._waiting.pop(call_id, None)
        queue = self._queues[name]
        while queue:
            call = queue.popleft()
            if self._waiting.get(call.id) is call:
                return self._waiting.pop(call.id)
        return None


def in_order(messages: Sequence[Message], tools: Sequence[str] = ()) -> tuple[Message, ...]:
    """The same turns; one of a tool that does not say which call it answers is told so.

    ``tools``: the names of the row's own, where it has any. Raises RowProblemError.
    """
    start = _preamble(messages)
    ordered, known = list(messages[:start]), frozenset(tools)
    open_calls = _OpenCalls()
    for number, message in enumerate(messages[start:], start=start + 1):
        before = ordered[-1].role if number > start + 1 else None
        _check_turn(message, number, before, has_open_calls=bool(open_calls))
        if message.role == "tool":
            call = _answered(message, number, open_calls)
            ordered.append(message.model_copy(update={"tool_call_id": call.id}))
            continue
        _check_names(message, number, tools, known)
        open_calls.add(message.tool_calls)
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


def _answered(message: Message, number: int, open_calls: _OpenCalls) -> ToolCall:
    call = open_calls.take(message.tool_call_id, message.name)
    if call is None:
        given = message.tool_call_id
        asked = f"of `{quotable(message.name or '')}`" if given is None else f"`{quotable(given)}`"
        waiting = listed((f"`{quotable(one.id)}`" for one in open_calls), 5)
        wrong_roles(
            f"message {number} answers the call {asked}, which does not wait for an answer "
            f"({waiting} does); give it the id of its call as `tool_call_id`"
        )
    return call


def _check_names(
    message: Message, number: int, tools: Sequence[str], known: Collection[str]
) -> None:
    for call in message.tool_calls:
        if tools and call.name not in known:
            hint = did_you_mean(call.name, islice(tools, _MOST_COMPARED))
            bad(
                f"message {number} calls `{quotable(call.name)}`, which is not among the row's "
                f"`tools` ({listed(map(quotable, tools), 8)}){hint}"
            )


def _check_end(messages: Sequence[Message], start: int, open_calls: _OpenCalls) -> None:
    if open_calls:
        first = next(iter(open_calls))
        ends = " (`prompts: {last_answer: drop}` does so, `completion` makes it one to judge)"
        wrong_roles(
            f"the call `{quotable(first.id)}` of `{quotable(first.name)}` has no "
            "answer; add the tool's message, or take the calls out of the prompt"
            f"{ends if messages[-1].role == 'assistant' else ''}"
        )
    if len(messages) == start or messages[-1].role not in {"user", "tool"}:
        wrong_roles(
            "the last message must be the user's; add one, or take the answer out "
            "(`prompts: {last_answer: drop}` does so, `completion` makes it one to judge)"
        )
