"""The messages of a prompt: a string or a list of turns, in the roles that chat templates take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, cast

from judgeforge.inputs.rows import RowProblemError, bad, kind_of, text_of
from judgeforge.records import Message, Role, SkipReason
from judgeforge.text.visible import quotable

_ROLES = ("system", "user", "assistant")


def read_messages(value: object) -> tuple[Message, ...]:
    """Raises RowProblemError where the value is not a prompt."""
    if isinstance(value, str):
        return (_message("user", value, "`prompt`"),)
    if value is None:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` is null; write one")
    if not isinstance(value, list):
        bad(f"`prompt` must be a string or a list of messages, found {kind_of(value)}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` has no messages; write one")
    messages = tuple(_turn(turn, number) for number, turn in enumerate(value, start=1))
    _check_roles([message.role for message in messages])
    return messages


def _turn(turn: object, number: int) -> Message:
    if not isinstance(turn, Mapping):
        bad(f"message {number} must be an object with `role` and `content`, found {kind_of(turn)}")
    role = turn.get("role")
    if role not in _ROLES:
        found = f"`{quotable(role)}`" if isinstance(role, str) else kind_of(role)
        _wrong_roles(f"the role of message {number} must be {', '.join(_ROLES)}; found {found}")
    return _message(cast("Role", role), turn.get("content"), f"the content of message {number}")


def _message(role: Role, content: object, what: str) -> Message:
    text = text_of(content, what)
    if not text or text.isspace():
        raise RowProblemError(SkipReason.EMPTY_PROMPT, f"{what} is empty; write one")
    return Message.model_construct(role=role, content=text)


def _wrong_roles(detail: str) -> NoReturn:
    raise RowProblemError(SkipReason.WRONG_ROLES, detail)


def _check_roles(roles: list[str]) -> None:
    """As chat templates want it: an optional system message, then user and assistant in turn."""
    if "system" in roles[1:]:
        _wrong_roles("a system message must be the first message; move or remove it")
    turns = roles[1:] if roles[0] == "system" else roles
    for number, role in enumerate(turns, start=1):
        if role != ("assistant", "user")[number % 2]:
            _wrong_roles(
                "turns must alternate and begin with user; "
                f"found {' after '.join(reversed(turns[:number][-2:]))}"
                + (" first" if number == 1 else "")
            )
    if not turns or turns[-1] != "user":
        _wrong_roles("the last message must be the user's; add one, or take the answer out")
