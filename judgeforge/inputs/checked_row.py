"""A row without a mistake of its own: its ids and digests, which everything it has goes into. Pure.

Rows of words alone have the hashes that they always had: tools, calls, thoughts and pictures are
hashed only where there are any, a picture by its bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.text.messages import ImagePart, Message, Part
from judgeforge.text.prompt_keys import prompt_key
from judgeforge.text.same_reading import may_read_as_another, text_as_typed

if TYPE_CHECKING:
    from hashlib import _Hash

_ID_DIGITS = 16
# json.dumps with options builds an encoder for each call.
canonical = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":")
).encode
_NOTHING_BESIDE = "[null,{}]"
_BLANK = Prompt.model_construct(id="", messages=(), line=0, digest="")
_UNEVEN = re.compile(r'\s\s|"\s|\s"|[^\S ]|\\')
"""In JSON without blanks of its own: what white space other than one blank between words shows as.
"""


class CheckedRow:
    """It may still be a duplicate.

    ``asked`` is a key of messages, tools and completions up to white space and signs that only an
    editor sets; the id from the content covers them as they are, with reference and metadata, and
    the digest the id on top.
    """

    __slots__ = ("_content", "_parts", "asked", "given_id")

    def __init__(self, given_id: str | None, parts: dict[str, Any]) -> None:
        self.given_id, self._parts = given_id, parts
        # Each part is a whole JSON list, so that no two rows run together to the same bytes.
        said = _said(parts, _as_it_is)
        self._content: _Hash = hashlib.sha256(said.encode())
        # Most texts have single blanks only, and need not be spelled a second time.
        self.asked = prompt_key(said if _is_even(said) else _said(parts, _as_typed))
        beside = parts["reference"], parts["metadata"]
        told = canonical(beside) if any(beside) or beside[0] is not None else _NOTHING_BESIDE
        self._content.update(told.encode())
        if parts.get("criteria") is not None:
            self._content.update(canonical({"criteria": parts["criteria"]}).encode())

    @property
    def number_of_completions(self) -> int:
        return len(self._parts["completions"])

    def content_id(self) -> str:
        return self._content.hexdigest()[:_ID_DIGITS]

    def prompt(self, prompt_id: str) -> Prompt:
        whole = self._content.copy()
        whole.update(f"[{canonical(prompt_id)}]".encode())
        # Everything was checked already. A copy takes less than `model_construct`.
        return _BLANK.model_copy(
            update={"id": prompt_id, "digest": whole.hexdigest(), **self._parts}
        )


def _is_even(said: str) -> bool:
    """Of JSON, in which other white space of ASCII stands as an escape."""
    if said.isascii():
        return not ("\\" in said or "  " in said or '" ' in said or ' "' in said)
    return not (_UNEVEN.search(said) or may_read_as_another(said))


def _said(parts: Mapping[str, Any], spelled: Callable[[Any], Any]) -> str:
    """Messages, completions and tools as JSON, each text of them as ``spelled``."""
    # Put together by hand: an encoder of JSON is built anew for each list, and for no text.
    turns = ",".join([_turn(message, spelled) for message in parts["messages"]])
    ready = ",".join([_ready(one, spelled) for one in parts["completions"]])
    tools = "" if parts["tools"] is None else f",{canonical(spelled(parts['tools']))}"
    return f"[[{turns}],[{ready}]{tools}]"


def _turn(message: Message, spelled: Callable[[Any], Any]) -> str:
    content = message.content
    if isinstance(content, str) and not _is_rich(message):
        return f'["{message.role}",{canonical(spelled(content))}]'
    turn = [message.role, [*map(_part, content)] if isinstance(content, tuple) else content]
    rest = message.model_dump(exclude={"role", "content"}) if _is_rich(message) else None
    return canonical(spelled([*turn, rest] if rest else turn))


def _is_rich(message: Message) -> bool:
    return bool(
        message.tool_calls or message.tool_call_id or message.name or message.reasoning_content
    )


def _part(part: Part) -> Any:  # noqa: ANN401
    if isinstance(part, ImagePart):
        return {"picture": part.image_url.identity, "detail": part.image_url.detail}
    return part.text


def _ready(one: ReadyCompletion, spelled: Callable[[Any], Any]) -> str:
    if not (one.tool_calls or one.reasoning or one.given):
        model = "null" if one.model is None else canonical(spelled(one.model))
        return f"[{canonical(spelled(one.text))},{model}]"
    rest = one.model_dump(mode="json", exclude={"text", "model"})
    return canonical(spelled([one.text, one.model, rest]))


def _as_it_is(value: Any) -> Any:  # noqa: ANN401
    return value


def _as_typed(value: Any) -> Any:  # noqa: ANN401
    """The same texts, with one blank for each run of white space and signs as they are typed."""
    if isinstance(value, str):
        return text_as_typed(value)
    if isinstance(value, list | tuple):
        return [_as_typed(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _as_typed(each) for name, each in value.items()}
    return value
