"""The messages of a prompt: a string or a list of turns, in the roles that chat templates take.

Tables and pipelines often turn a list of messages into a text. Such a text has one reading, as JSON
or as a Python literal, and is never sent as it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NoReturn, cast
from warnings import catch_warnings, simplefilter

from judgeforge.inputs.rows import RowProblemError, bad, kind_of, text_of
from judgeforge.inputs.turns import listed_turns
from judgeforge.records import SkipReason
from judgeforge.text.messages import Message, Role
from judgeforge.text.visible import quotable

_ROLES = ("system", "user", "assistant")
_KEY = r"""\\?["'](?:role|content|from|value)\\?["']\s*:"""
_LOOKS_LIKE_MESSAGES = re.compile(
    rf"""\s*+["']?\s*+(?:\[\s*+(?:\{{\s*+{_KEY}|\w*Message\()|\{{\s*+{_KEY})"""
)
_ROLE = re.compile(r"""\\?["'](?:role|from)\\?["']\s*:|Message\(""")
_CONTENT = re.compile(r"""\\?["'](?:content|value)\\?["']\s*:|\bcontent=""")
_KEYS_OF_A_MESSAGE = ({"role", "content"}, {"role", "tool_calls"}, {"from", "value"})
_MOST_WRAPPINGS = 3
"""A text of JSON of a text of JSON; a text within is what the prompt is about."""
_LONGEST_LITERAL = 1 << 20
"""Characters; Python takes some hundred bytes for each to read them."""


def read_messages(value: object) -> tuple[Message, ...]:
    """Raises RowProblemError where the value is not a prompt."""
    if isinstance(value, str):
        text = text_of(value, "`prompt`")
        value = messages_of(text)
        if value is None:
            return (_message("user", text, "`prompt`"),)
    if value is None:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` is null; write one")
    if not isinstance(value, list):
        bad(f"`prompt` must be a string or a list of messages, found {kind_of(value)}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` has no messages; write one")
    turns = listed_turns(value)
    messages = tuple(_turn(turn, number) for number, turn in enumerate(turns, start=1))
    _check_roles([message.role for message in messages])
    return messages


def messages_of(text: str) -> list[object] | None:
    """The messages that a text is a list of; None where it is a prompt as it stands."""
    if not _LOOKS_LIKE_MESSAGES.match(text):
        return None
    value: object = text
    for _ in range(_MOST_WRAPPINGS):
        if isinstance(value, str):
            value = _read_literal(value)
    turns = [value] if isinstance(value, dict) else value
    if not isinstance(turns, list) or not turns:
        return None
    return turns if all(map(_is_message, turns)) else None


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and any(keys <= value.keys() for keys in _KEYS_OF_A_MESSAGE)


def _read_literal(text: str) -> object:
    """None where more follows, or it has no messages; a broken list of messages is refused."""
    try:
        value, end = json.JSONDecoder().raw_decode(text.strip())
        return None if text.strip()[end:] else value
    except (ValueError, RecursionError) as error:
        problem = str(error)
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError), catch_warnings():
        simplefilter("ignore")
        if len(text) <= _LONGEST_LITERAL:
            return ast.literal_eval(text.strip())
    if not (_ROLE.search(text) and (text.lstrip().startswith("[") or _CONTENT.search(text))):
        return None
    raise RowProblemError(
        SkipReason.INVALID_ROW,
        f"`prompt` is the text of a list of messages, and cannot be read as JSON ({problem}); "
        "write the messages as JSON, each with `role` and `content`",
    )


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
        _wrong_roles(
            "the last message must be the user's; add one, or take the answer out "
            "(`prompts: {last_answer: drop}` does so, `completion` makes it one to judge)"
        )
