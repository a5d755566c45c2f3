"""The messages of a prompt: a string or a list of turns, in an order that chat templates take.

Tables and pipelines often turn a list of messages into a text. Such a text has one reading, as JSON
or as a Python literal, and is never sent as it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from warnings import catch_warnings, simplefilter

from judgeforge.inputs.conversation import in_order
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.openai_messages import message_of, read_turn
from judgeforge.inputs.rows import RowProblemError, bad, kind_of, text_of
from judgeforge.inputs.turns import listed_turns
from judgeforge.records import SkipReason
from judgeforge.store.pictures import LARGEST_TOGETHER, MOST_PICTURES
from judgeforge.text.messages import Message

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


def read_messages(
    value: object, reading: Reading | None = None, tools: Sequence[str] = ()
) -> tuple[Message, ...]:
    """``tools``: the names of the row's own. Raises RowProblemError where it is not a prompt."""
    reading = reading or Reading()
    if isinstance(value, str):
        text = text_of(value, "`prompt`")
        value = messages_of(text)
        if value is None:
            return (message_of("user", text, "`prompt`"),)
    if value is None:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` is null; write one")
    if not isinstance(value, list):
        bad(f"`prompt` must be a string or a list of messages, found {kind_of(value)}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` has no messages; write one")
    messages: list[Message] = []
    calls = 0
    for number, turn in enumerate(listed_turns(value), start=1):
        messages.append(read_turn(turn, number, reading, calls=calls))
        calls += len(messages[-1].tool_calls)
    _check_pictures(messages)
    return in_order(messages, tools)


def _check_pictures(messages: Sequence[Message]) -> None:
    pictures = [image for message in messages for image in message.pictures]
    together = sum(image.size for image in pictures)
    if len(pictures) > MOST_PICTURES or together > LARGEST_TOGETHER:
        raise RowProblemError(
            SkipReason.TOO_LONG,
            f"{len(pictures)} pictures with {together / 2**20:.1f} MiB do not fit into a request, "
            f"which takes {MOST_PICTURES} and {LARGEST_TOGETHER >> 20} MiB; show fewer or smaller "
            "ones",
        )


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
