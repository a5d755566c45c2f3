"""Messages as a person reads them: words, calls as name(arguments), pictures by what they are.

Nothing here makes a text safe for a terminal or a page: who shows it does that, to all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import indent
from typing import Any

from judgeforge.text.messages import ImagePart, ImageUrl, Message, Part, TextPart
from judgeforge.text.patterns import late_pattern
from judgeforge.text.tool_calls import call_text, row_calls
from judgeforge.text.wording import shortened

_DATA_URL = late_pattern(r"data:image/([a-z0-9.+-]+);base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_LONGEST_LINK = 200
_NAMELESS = "(without a name)"
_LONGEST_THOUGHT = 300
"""Characters of a thought that is folded."""


def turns_text(messages: Sequence[Message]) -> str:
    """A whole conversation, one turn after the other, each with its role."""
    called: dict[str, str] = {}
    shown: list[str] = []
    for message in messages:
        called |= {call.id: call.name for call in message.tool_calls}
        said = spoken(message)
        if message.role == "tool":
            tool = called.get(message.tool_call_id or "") or message.name
            shown.append(f"tool{f', result of {tool}' if tool else ''}:\n{indent(said, '    ')}")
        else:
            speaker = f"{message.role} ({message.name})" if message.name else message.role
            thought = folded_thought(message.reasoning_content)
            shown += [f"{speaker}, {thought}"] if thought else []
            shown.append(f"{speaker}: {said}")
    return "\n".join(shown)


def spoken(message: Message) -> str:
    """What a message says and does, without what was thought before."""
    return "\n".join([*_words(message), *(f"→ {call_text(call)}" for call in message.tool_calls)])


def row_message(row: Mapping[str, Any]) -> Message:
    """A message as a line of a run's file has it; it was checked when it was written."""
    content = row.get("content")
    return Message.model_construct(
        role=row["role"],
        content=tuple(map(_part, content)) if isinstance(content, list | tuple) else content,
        tool_calls=row_calls(row),
        tool_call_id=row.get("tool_call_id"),
        name=row.get("name"),
        reasoning_content=row.get("reasoning_content"),
    )


def row_spoken(row: Mapping[str, Any]) -> str:
    """``spoken`` of a message as a line of pairs.jsonl has it."""
    content = row.get("content")
    plain = isinstance(content, str) and not row.get("tool_calls")
    return str(content) if plain else spoken(row_message(row))


def folded_thought(thought: str | None) -> str:
    """The beginning of a thought, and how long it is; "" without one."""
    if not thought:
        return ""
    return f"thought ({len(thought):,} characters): {shortened(thought, _LONGEST_THOUGHT)}"


def tool_names(tools: str) -> list[str]:
    """Of the tools that a prompt offers, as JSON; what has no name is ``_NAMELESS``."""
    return [str(each.get("name", _NAMELESS)) for each in _functions(tools)]


def tools_text(tools: str) -> str:
    """A line for each tool: ``get_weather(city, days?): The weather of a city.``

    Arguments that may be left out have a question mark. What is not a list of tools stays as it is.
    """
    return "\n".join(map(_tool_line, _functions(tools))) or tools


def _tool_line(function: Mapping[str, Any]) -> str:
    schema = function.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    properties, required = schema.get("properties"), schema.get("required")
    needed = required if isinstance(required, list) else []
    names = properties if isinstance(properties, dict) else {}
    arguments = ", ".join(name if name in needed else f"{name}?" for name in names)
    told = f": {function['description']}" if function.get("description") else ""
    return f"{function.get('name', _NAMELESS)}({arguments}){told}"


def _functions(tools: str) -> list[dict[str, Any]]:
    """Nothing of what is not a tool."""
    try:
        listed = json.loads(tools)
    except (ValueError, RecursionError):
        return []
    each = listed if isinstance(listed, list) else [listed]
    found = (tool.get("function", tool) for tool in each if isinstance(tool, dict))
    return [function for function in found if isinstance(function, dict)]


def picture_words(url: str) -> str:
    """``picture (png, 12 kB)`` of one in the message itself, else ``picture`` and its link."""
    if found := _DATA_URL.match(url):
        size = len(found[2]) * 3 // 4
        return f"picture ({found[1].lower()}, {max(1, round(size / 1000)):,} kB)"
    return f"picture {shortened(url, _LONGEST_LINK)}"


def is_picture_data(url: str) -> bool:
    """Whether it is a data URL of a kind of picture that every browser draws and no program is."""
    found = _DATA_URL.fullmatch(url)
    return found is not None and found[1].lower() in {"png", "jpeg", "jpg", "gif", "webp"}


def _words(message: Message) -> Iterator[str]:
    if not isinstance(message.content, tuple):
        if message.content or not message.tool_calls:
            yield message.content or ""
        return
    for part in message.content:
        if isinstance(part, TextPart):
            yield part.text
        else:
            yield f"[{picture_words(part.image_url.url)}]"


def _part(row: Mapping[str, Any]) -> Part:
    if "image_url" not in row:
        return TextPart.model_construct(text=row.get("text") or "")
    return ImagePart.model_construct(image_url=ImageUrl.model_construct(**row["image_url"]))
