"""Pictures that stand in a column of their own -> parts of the messages that show them.

The words have a place for each, or none: then all stand before the first words of the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.inputs.messages_in_text import parts_of
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.openai_messages import GIVEN_AS, read_image
from judgeforge.inputs.rows import RowProblemError, bad
from judgeforge.text.messages import ImageUrl
from judgeforge.text.patterns import late_pattern
from judgeforge.text.wording import counted

_FIELD = "images"
_MARK = late_pattern(r"(?:\r?\n)?(?:<image(?:_(\d+))?>|<\|image(?:_pad|_(\d+))?\|>)(?:\r?\n)?")
"""What stands in the words where a picture is shown; some sets number them."""


def read_pictures(value: object, reading: Reading) -> tuple[ImageUrl, ...]:
    """One picture, or a list. Raises RowProblemError."""
    if value is None:
        return ()
    given = value if isinstance(value, list) else [value]
    try:
        return tuple(
            read_image(one, f"picture {number} of the row", reading)
            for number, one in enumerate(given, start=1)
        )
    except RowProblemError as problem:
        raise RowProblemError(problem.reason, problem.problem, unread=_FIELD) from None


def with_pictures(turns: Sequence[Any], pictures: Sequence[ImageUrl]) -> list[Any]:
    """The turns with the pictures in their places, in order; what is no turn is left as it is.

    Raises RowProblemError where there are places, and not one for each picture.
    """
    asked = [place for place, turn in enumerate(turns) if _is_users(turn)]
    if not asked:
        bad("the row has pictures, and no message of a user that could show them", unread=_FIELD)
    contents = {place: _split(parts_of(turns[place].get("content"))) for place in asked}
    parts = [part for content in contents.values() for part in content]
    places = [part for part in parts if _is_place(part)]
    if not places:
        if any(_is_picture(part) for part in parts):
            bad(
                "the row has pictures in its messages and in a column of their own; take one out",
                unread=_FIELD,
            )
        places = [{"type": "image"} for _ in pictures]
        contents[asked[0]][:0] = places
    _require_one_each(places, len(pictures))
    left = iter(pictures)
    shown = {
        place: [
            {"type": "image", "image": next(left)} if _is_place(one) else one for one in content
        ]
        for place, content in contents.items()
    }
    return [
        {**turn, "content": shown[place]} if place in shown and _has_any(shown[place]) else turn
        for place, turn in enumerate(turns)
    ]


def _require_one_each(places: Sequence[Mapping[str, Any]], pictures: int) -> None:
    if len(places) != pictures:
        bad(
            f"the user's messages have {counted(len(places), 'place')} for pictures, and the row "
            f"has {counted(pictures, 'picture')}; give one for each",
            unread=_FIELD,
        )
    numbers = [place["number"] for place in places if place.get("number")]
    if numbers and numbers != [str(number) for number in range(1, pictures + 1)]:
        bad(
            f"the pictures are numbered {', '.join(numbers)} in the words; number them from 1 in "
            "the order in which they are shown",
            unread=_FIELD,
        )


def _is_users(turn: object) -> bool:
    return isinstance(turn, Mapping) and turn.get("role") == "user"


def _split(content: object) -> list[Any]:
    """As parts, with one for each place in the words."""
    given = content if isinstance(content, list) else [{"type": "text", "text": content}]
    parts: list[Any] = []
    for part in given:
        text = part.get("text") if isinstance(part, Mapping) else None
        if not isinstance(text, str) or (first := _MARK.search(text)) is None:
            parts.append(part)
            continue
        end = 0
        for mark in _MARK.finditer(text, first.start()):
            parts += [*_words(part, text[end : mark.start()])]
            parts.append({"type": "image", "number": mark[1] or mark[2]})
            end = mark.end()
        parts += _words(part, text[end:])
    return parts


def _words(part: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    return [{**part, "text": text}] if text.strip() else []


def _is_picture(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in ("image", "image_url")


def _is_place(part: object) -> bool:
    return _is_picture(part) and not any(part.get(name) for name in GIVEN_AS)  # type: ignore[attr-defined]


def _has_any(parts: Sequence[object]) -> bool:
    return any(map(_is_picture, parts))
