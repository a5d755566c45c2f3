"""The messages of a prompt: a string or a list of turns, in an order that chat templates take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from judgeforge.inputs.conversation import in_order
from judgeforge.inputs.messages_in_text import messages_of, refuse_nothing, refuse_template
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.openai_messages import message_of, read_turn
from judgeforge.inputs.picture_columns import with_pictures
from judgeforge.inputs.rows import RowProblemError, bad, kind_of, text_of
from judgeforge.inputs.turns import listed_turns
from judgeforge.records import SkipReason
from judgeforge.store.pictures import LARGEST_TOGETHER, MOST_PICTURES
from judgeforge.text.messages import ImageUrl, Message

_OF_SYSTEM = ("system", "developer")


def read_messages(
    value: object,
    reading: Reading | None = None,
    tools: Sequence[str] = (),
    pictures: Sequence[ImageUrl] = (),
) -> tuple[Message, ...]:
    """``tools``: the names of the row's own. ``pictures``: what stands in a column beside it.

    Raises RowProblemError where it is not a prompt.
    """
    reading = reading or Reading()
    if isinstance(value, str):
        text = text_of(value, "`prompt`")
        value = messages_of(text)
        if value is None:
            refuse_nothing(text)
            refuse_template(text)
            if not pictures:
                return (message_of("user", text, "`prompt`"),)
            value = [{"role": "user", "content": text}]
    if value is None:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` is null; write one")
    if not isinstance(value, list):
        within = "; what stands within it has a path, `fields: {prompt: COLUMN.KEY}`"
        found = f"{kind_of(value)}{within if isinstance(value, dict) else ''}"
        bad(f"`prompt` must be a string or a list of messages, found {found}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` has no messages; write one")
    messages: list[Message] = []
    calls = 0
    turns = listed_turns(value)
    if pictures:
        turns = with_pictures(turns, pictures)
    for number, turn in enumerate(turns, start=1):
        if number == 1 and len(value) > 1 and _is_empty_system(turn):
            reading.noticed.empty_systems += 1
            continue
        messages.append(read_turn(turn, number, reading, calls=calls))
        calls += len(messages[-1].tool_calls)
    _check_pictures(messages)
    return in_order(messages, tools)


def _is_empty_system(turn: object) -> bool:
    """As many sets have it in each row: it says what no system message says."""
    if not isinstance(turn, Mapping) or turn.get("role") not in _OF_SYSTEM:
        return False
    content = turn.get("content")
    return content in (None, []) or (isinstance(content, str) and not content.strip())


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
