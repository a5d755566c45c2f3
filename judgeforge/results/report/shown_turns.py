"""Turns of a conversation as the page shows them: words, tool calls, thoughts and pictures.

A call is ``name(arguments)``, a result says whose it is, a thought is folded, and a picture that
stands in the message itself is drawn; one that is elsewhere is named, so that a page that is opened
asks no server for anything.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.results.report.html import LARGEST_PICTURE, LONGEST_NAME, seen
from judgeforge.text.messages import Message
from judgeforge.text.shown_messages import is_picture_data, picture_words, row_message
from judgeforge.text.tool_calls import call_text

MOST_TEXT = 4_000
"""Characters of one text."""
_MOST_CALLS, _MOST_PICTURES = 12, 8


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    left_out: int = 0
    """Characters that are not shown."""


@dataclass(frozen=True, slots=True)
class Picture:
    words: str
    data: str = ""
    """Its data URL, where it stands in the message and is not too large for the page."""


@dataclass(frozen=True, slots=True)
class Turn:
    role: str
    text: Text
    is_result: bool = False
    tool: str | None = None
    """Whose result it is, where that is known."""
    speaker: str | None = None
    calls: tuple[Text, ...] = ()
    calls_left_out: int = 0
    thought: Text | None = None
    pictures: tuple[Picture, ...] = ()

    @property
    def texts(self) -> Iterator[str]:
        """All that the page shows of it, but for its pictures."""
        names = (self.role, self.tool or "", self.speaker or "")
        yield from (name[:LONGEST_NAME] for name in names)
        yield self.text.text
        yield from (call.text for call in self.calls)
        yield self.thought.text if self.thought else ""
        yield from (picture.words[:LONGEST_NAME] for picture in self.pictures)

    @property
    def size(self) -> int:
        """Bytes in the page."""
        escaped = sum(len(html.escape(seen(text)).encode()) for text in self.texts)
        return escaped + sum(len(picture.data) for picture in self.pictures)


def shown_turns(rows: Sequence[Mapping[str, Any]], most: int) -> tuple[Turn, ...]:
    """The last ``most`` messages of a conversation, as lines of pairs.jsonl have them."""
    called: dict[str, str] = {}
    turns: list[Turn] = []
    first = max(0, len(rows) - most)
    for place, row in enumerate(rows):
        message = row_message(row)
        called |= {call.id: call.name for call in message.tool_calls}
        if place >= first:
            turns.append(shown_turn(message, called.get(message.tool_call_id or "")))
    return tuple(turns)


def shown_turn(message: Message, tool: str | None = None, *, thought: str | None = None) -> Turn:
    """``tool``: whose result it is. ``thought``: where the message itself does not have it."""
    is_result, thought = message.role == "tool", message.reasoning_content or thought
    return Turn(
        role=message.role,
        is_result=is_result,
        tool=(tool or message.name) if is_result else None,
        speaker=None if is_result else message.name,
        text=cut(message.text, MOST_TEXT),
        calls=tuple(cut(call_text(call), MOST_TEXT) for call in message.tool_calls[:_MOST_CALLS]),
        calls_left_out=max(0, len(message.tool_calls) - _MOST_CALLS),
        thought=cut(thought, MOST_TEXT) if thought else None,
        pictures=tuple(_picture(each.url) for each in message.pictures[:_MOST_PICTURES]),
    )


def cut(text: str, most: int) -> Text:
    """Cut to what it takes when shown: an unseen character takes the room of its name."""
    head = text[:most]
    while len(seen(head)) > most:
        head = head[: len(head) * 3 // 4]
    return Text(head, len(text) - len(head))


def _picture(url: str) -> Picture:
    drawn = len(url) <= LARGEST_PICTURE and is_picture_data(url)
    return Picture(picture_words(url), url if drawn else "")
