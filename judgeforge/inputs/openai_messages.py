"""One message of a row, in OpenAI's shape: its words, pictures, tool calls and thoughts, each
checked and kept. What cannot be kept is noticed by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, cast, get_args

from judgeforge.inputs.messages_in_text import parts_of
from judgeforge.inputs.noticed import Reading
from judgeforge.inputs.rows import RowProblemError, bad, kind_of, text_of
from judgeforge.inputs.tools import read_tool_calls
from judgeforge.records import SkipReason
from judgeforge.store.pictures import PictureError, is_address, picture_of, read_picture
from judgeforge.text.messages import ImagePart, ImageUrl, Message, Part, Role, TextPart
from judgeforge.text.same_reading import text_as_read
from judgeforge.text.visible import quotable
from judgeforge.text.wording import shortened

ROLES = get_args(Role)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""What servers and data sets call the same."""
_OF_A_MESSAGE = frozenset({"role", "content", "tool_calls", "tool_call_id", "name", *_THOUGHTS})
GIVEN_AS = ("image_url", "image", "url", "path")
"""Keys under which a part has its picture."""
_DETAILS = ("auto", "low", "high")
_TEXTS = ("text", "input_text", "output_text")
"""Types of a part that is a text; the longer ones are of OpenAI's Responses API."""
_LONGEST_URL = 2000
"""Characters of an address; a data URL may be longer."""
_MOST_NOT_DRAWN = 64
"""Characters of a text that is looked at for showing nothing."""


def read_turn(turn: object, number: int, reading: Reading, *, calls: int = 0) -> Message:
    """``number``: its place, from 1. ``calls``: how many tool calls stand before it.

    Raises RowProblemError.
    """
    what = f"message {number}"
    if not isinstance(turn, Mapping):
        first = "; `fields: {prompt: COLUMN.0}` takes the first text of a list"
        found = f"{kind_of(turn)}{first if isinstance(turn, str) else ''}"
        bad(f"{what} must be an object with `role` and `content`, found {found}")
    role = _role(turn.get("role"), what)
    content = parts_of(turn.get("content"))
    if turn.keys() <= {"role", "content"} and isinstance(content, str):
        return message_of(role, content, f"the content of {what}")
    _note_what_is_left_out(turn, reading)
    tool_calls = _of_role("tool_calls", turn, role, "assistant", what)
    called = read_tool_calls(tool_calls, what, reading, taken=calls)
    answers = _of_role("tool_call_id", turn, role, "tool", what)
    name = turn.get("name")
    return Message.model_construct(
        role=role,
        content=read_content(content, role, what, reading, has_calls=bool(called)),
        tool_calls=called,
        tool_call_id=None if answers is None else text_of(answers, f"`tool_call_id` of {what}"),
        name=text_of(name, f"the name of {what}") if name else None,
        reasoning_content=read_thought(turn, role, what),
    )


def message_of(role: Role, content: object, what: str) -> Message:
    """One of words alone. Raises RowProblemError."""
    # Most messages are, and of few fields checking them again takes less than leaving that out.
    return Message(role=role, content=_words(content, role, what))


def read_thought(turn: Mapping[str, object], role: Role, what: str) -> str | None:
    """What an assistant thought, under any of its names. Raises RowProblemError."""
    given = [name for name in _THOUGHTS if turn.get(name) not in (None, "")]
    if not given:
        return None
    if role != "assistant":
        bad(f"{what} has `{given[0]}`, which only an assistant has; remove it")
    thoughts = {text_of(turn[name], f"`{name}` of {what}") for name in given}
    if len(thoughts) > 1:
        bad(f"{what} has two different thoughts, {' and '.join(given)}; leave one")
    return thoughts.pop()


def _role(role: object, what: str) -> Role:
    if role not in ROLES:
        found = f"`{quotable(role)}`" if isinstance(role, str) else kind_of(role)
        wrong_roles(f"the role of {what} must be {', '.join(ROLES)}; found {found}")
    return cast("Role", role)


def wrong_roles(detail: str) -> NoReturn:
    raise RowProblemError(SkipReason.WRONG_ROLES, detail)


def _of_role(field: str, turn: Mapping[str, object], role: Role, owner: Role, what: str) -> object:
    """A field that only messages of ``owner`` have; empty ones of tables are none."""
    value = turn.get(field)
    if value is None or value in ([], ""):
        return None
    if role != owner:
        bad(f"{what} is of role {role} and has `{field}`, which only role {owner} has; remove it")
    return value


def _note_what_is_left_out(turn: Mapping[str, object], reading: Reading) -> None:
    for field, value in turn.items():
        if field not in _OF_A_MESSAGE and value not in (None, "", [], {}):
            reading.noticed.leave_out(str(field))


def read_content(
    content: object, role: Role, what: str, reading: Reading, *, has_calls: bool = False
) -> str | tuple[Part, ...] | None:
    """A text, parts, or null beside tool calls. Raises RowProblemError."""
    if has_calls and (content is None or content == []):
        return None
    if not isinstance(content, list):
        empty_is_whole = has_calls or role == "tool"
        return _words(content, role, f"the content of {what}", may_be_empty=empty_is_whole)
    parts = tuple(
        _part(part, f"part {number} of {what}", role, reading)
        for number, part in enumerate(content, start=1)
    )
    if not parts:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, f"the content of {what} is empty; write one")
    return parts


def _words(content: object, role: Role, what: str, *, may_be_empty: bool = False) -> str:
    if content is None and role == "assistant":
        bad(f"{what} is null, which it may be beside `tool_calls` only; write a text")
    text = text_of(content, what)
    if not may_be_empty and _shows_nothing(text):
        raise RowProblemError(SkipReason.EMPTY_PROMPT, f"{what} is empty; write one")
    return text


def _shows_nothing(text: str) -> bool:
    """White space, or a few signs that are not drawn, as editors and web pages leave them."""
    if not text or text.isspace():
        return True
    return len(text) <= _MOST_NOT_DRAWN and not text.isascii() and not text_as_read(text)


def _part(part: object, what: str, role: Role, reading: Reading) -> Part:
    if not isinstance(part, Mapping):
        bad(f"{what} must be an object with `type`, found {kind_of(part)}")
    kind = part.get("type")
    known = {"type", "text"} if kind in _TEXTS else {"type", *GIVEN_AS}
    for field, value in part.items():
        if field not in known and value not in (None, "", [], {}):
            reading.noticed.leave_out(f"content.{field}")
    if kind in _TEXTS:
        return TextPart.model_construct(
            text=_words(part.get("text"), "user", f"the text of {what}")
        )
    if kind not in ("image_url", "image"):
        found = f"`{quotable(kind)}`" if isinstance(kind, str) else kind_of(kind)
        bad(f"the type of {what} must be text or image_url, found {found}")
    if role not in {"user", "tool"}:
        bad(f"{what} is a picture, and only users and tools show some; it is of role {role}")
    given = next((part[name] for name in GIVEN_AS if part.get(name)), None)
    return ImagePart.model_construct(image_url=read_image(given, what, reading))


def read_image(given: object, what: str, reading: Reading) -> ImageUrl:
    """An address, a data URL or a path, its bytes, or a mapping with one of them; one that was read
    stays as it is. Raises RowProblemError."""
    if isinstance(given, ImageUrl):
        return given
    url, detail = given, None
    if isinstance(given, Mapping):
        # Where `datasets` has the bytes, the path beside them is only a name.
        url, detail = (
            given.get("bytes") or given.get("url") or given.get("path"),
            given.get("detail"),
        )
    if isinstance(url, bytes):
        url = _as_data(url, what)
    if not isinstance(url, str) or not url.strip():
        bad(
            f"{what} names no picture: give an https address, a data URL or a file below the "
            "folder of the input, as `image_url: {url: …}` or in a column `images`"
        )
    if detail is not None and detail not in _DETAILS:
        bad(f"`detail` of {what} must be {', '.join(_DETAILS)}")
    url = text_of(url, f"the address of {what}")
    if is_address(url):
        if len(url) > _LONGEST_URL or any(each.isspace() for each in url):
            bad(f"the address of {what} is not one: {shortened(quotable(url))}")
        return ImageUrl.model_construct(url=url, detail=detail)
    try:
        picture, file = read_picture(url, reading.folder)
    except PictureError as problem:
        bad(f"{what}, the picture {shortened(quotable(url))}: {problem}")
    return ImageUrl.model_construct(
        url=url,
        detail=detail,
        file=None if file is None else str(file),
        sha256=picture.sha256,
        size=len(picture.data),
    )


def _as_data(data: bytes, what: str) -> str:
    try:
        return picture_of(data).data_url
    except PictureError as problem:
        bad(f"{what}: {problem}")
