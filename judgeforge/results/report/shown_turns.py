"""Turns of a conversation as the page shows them: words, tool calls, thoughts and pictures.

A call is ``name(arguments)``, a result says whose it is, a thought is folded, and a picture that
stands in the message itself is drawn; one that is elsewhere is named, so that a page that is opened
asks no server for anything.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from judgeforge.results.report.html import LARGEST_PICTURE, LONGEST_NAME, seen
from judgeforge.text.messages import Message
from judgeforge.text.shown_messages import is_picture_data, picture_words
from judgeforge.text.tool_calls import call_text

MOST_TEXT = 4_000
"""Characters of one text."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a page has for one turn; None: for all there is."""

    text: int = MOST_TEXT
    calls: int | None = 12
    pictures: int | None = 8
    picture: int = LARGEST_PICTURE
    """Characters of the data URL of one."""


_IN_A_REPORT = Room()


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


def shown_turns(
    messages: Sequence[Message], most: int | None = None, room: Room = _IN_A_REPORT
) -> tuple[Turn, ...]:
    """The last ``most`` messages of a conversation; None: all."""
    called: dict[str, str] = {}
    turns: list[Turn] = []
    first = 0 if most is None else max(0, len(messages) - most)
    for place, message in enumerate(messages):
        called |= {call.id: call.name for call in message.tool_calls}
        if place >= first:
            turns.append(shown_turn(message, called.get(message.tool_call_id or ""), room=room))
    return tuple(turns)


def shown_turn(
    message: Message,
    tool: str | None = None,
    *,
    thought: str | None = None,
    room: Room = _IN_A_REPORT,
) -> Turn:
    """``tool``: whose result it is. ``thought``: where the message itself does not have it."""
    is_result, thought = message.role == "tool", message.reasoning_content or thought
    return Turn(
        role=message.role,
        is_result=is_result,
        tool=(tool or message.name) if is_result else None,
        speaker=None if is_result else message.name,
        text=cut(message.text, room.text),
        calls=tuple(cut(call_text(call), room.text) for call in message.tool_calls[: room.calls]),
        calls_left_out=len(message.tool_calls) - len(message.tool_calls[: room.calls]),
        thought=cut(thought, room.text) if thought else None,
        pictures=tuple(_picture(each.url, room) for each in message.pictures[: room.pictures]),
    )


def cut(text: str, most: int) -> Text:
    """Cut to what it takes when shown: an unseen character takes the room of its name."""
    head = text[:most]
    while len(seen(head)) > most:
        head = head[: len(head) * 3 // 4]
    return Text(head, len(text) - len(head))


def _picture(url: str, room: Room) -> Picture:
    drawn = len(url) <= room.picture and is_picture_data(url)
    return Picture(picture_words(url), url if drawn else "")
