"""One raw row -> a prompt, or the named reason why it is none. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from judgeforge.config import Fields
from judgeforge.records import Message, Prompt, ReadyCompletion, SkipReason
from judgeforge.sources.raw import RawRow

BYTES_PER_TOKEN = 4
"""English text; an estimate, the provider has the last word."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ROLES = ("system", "user", "assistant")
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class RowChecks:
    context_tokens: int | None = None
    """The smallest context of the sampled models; None where it is unknown."""
    output_tokens: int = 0
    """Of the context, kept free for the answer."""
    needs_completions: bool = False
    """Nothing is sampled: a row brings its completions."""


class RowProblemError(Exception):
    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def check_row(row: RawRow, fields: Fields, checks: RowChecks) -> tuple[Prompt, str]:
    """The prompt and the SHA-256 of what is asked (messages and completions).

    Raises RowProblemError.
    """
    columns = row.columns
    if fields.prompt not in columns:
        _bad(f"there is no `{fields.prompt}`; the row has {', '.join(columns) or 'no columns'}")
    messages = _messages(columns[fields.prompt])
    completions = _completions(columns.get(fields.completions), checks)
    reference, metadata = columns.get(fields.reference), columns.get(fields.metadata)
    if reference is not None:
        reference = _text(reference, "`reference`")
    if metadata is not None and not isinstance(metadata, Mapping):
        _bad(f"`metadata` must be an object, found {_kind(metadata)}")
    _check_length(messages, checks)
    asked = _sha([[m.role, m.content] for m in messages], [[c.text, c.model] for c in completions])
    own_id = row_id(columns, fields)
    content = _sha(asked, reference, metadata)
    prompt_id = content[:_ID_DIGITS] if own_id is None else own_id
    prompt = Prompt.model_construct(
        id=prompt_id,
        messages=messages,
        line=row.line,
        digest=_sha(content, prompt_id),
        reference=reference,
        metadata=metadata or {},
        completions=completions,
    )
    return prompt, asked


def row_id(columns: Mapping[str, Any], fields: Fields) -> str | None:
    """The id that the row gives, None without one. Raises RowProblemError for a wrong one."""
    value = columns.get(fields.id)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        _bad(f"`id` must be a string or a number, found {_kind(value)}")
    text = str(value)
    if not text.strip():
        _bad("`id` is empty")
    return _text(text, "`id`")


def _bad(detail: str) -> NoReturn:
    raise RowProblemError(SkipReason.INVALID_ROW, detail)


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        _bad(f"{what} must be a string, found {_kind(value)}")
    if _SURROGATE.search(value):
        raise RowProblemError(SkipReason.INVALID_ENCODING, f"{what} holds half a surrogate pair")
    found = _CONTROL.search(value)
    if found:
        detail = f"{what} holds the control character U+{ord(found.group()):04X}; remove it"
        raise RowProblemError(SkipReason.CONTROL_CHARACTERS, detail)
    return value


def _messages(value: object) -> tuple[Message, ...]:
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list):
        _bad(f"`prompt` must be a string or a list of messages, found {_kind(value)}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` holds no message")
    messages = tuple(_message(turn, number) for number, turn in enumerate(value, start=1))
    _check_roles([message.role for message in messages])
    return messages


def _message(turn: object, number: int) -> Message:
    if not isinstance(turn, Mapping):
        _bad(f"message {number} must be an object, found {_kind(turn)}")
    role = turn.get("role")
    if role not in _ROLES:
        _wrong_roles(f"message {number} has the role {role!r}; allowed are {', '.join(_ROLES)}")
    content = _text(turn.get("content"), f"the content of message {number}")
    if not content.strip():
        raise RowProblemError(SkipReason.EMPTY_PROMPT, f"message {number} is empty")
    return Message.model_construct(role=role, content=content)


def _wrong_roles(detail: str) -> NoReturn:
    raise RowProblemError(SkipReason.WRONG_ROLES, detail)


def _check_roles(roles: list[str]) -> None:
    """As chat templates want it: an optional system message, then user and assistant in turn."""
    if "system" in roles[1:]:
        _wrong_roles("a system message must be the first message")
    turns = roles[1:] if roles[0] == "system" else roles
    for number, role in enumerate(turns):
        if role != ("user", "assistant")[number % 2]:
            _wrong_roles(
                f"turns must alternate and begin with user; found {', '.join(turns[: number + 1])}"
            )
    if not turns or turns[-1] != "user":
        _wrong_roles("the last message must be the user's")


def _completions(value: object, checks: RowChecks) -> tuple[ReadyCompletion, ...]:
    if value is None:
        if checks.needs_completions:
            _bad("there are no `completions`, and the configuration samples none (`sampling`)")
        return ()
    if not isinstance(value, list):
        _bad(f"`completions` must be a list, found {_kind(value)}")
    ready = tuple(_completion(one, number) for number, one in enumerate(value, start=1))
    distinct = {one.text for one in ready if one.text.strip()}
    if len(distinct) < 2 and (ready or checks.needs_completions):
        raise RowProblemError(
            SkipReason.TOO_FEW_COMPLETIONS, "fewer than two distinct `completions` that hold text"
        )
    return ready


def _completion(value: object, number: int) -> ReadyCompletion:
    what = f"completion {number}"
    if isinstance(value, str):
        return ReadyCompletion.model_construct(text=_text(value, what), model=None)
    if not isinstance(value, Mapping) or "text" not in value:
        _bad(f"{what} must be a string or an object with `text`")
    model = value.get("model")
    if model is not None:
        model = _text(model, f"`model` of {what}")
    return ReadyCompletion.model_construct(text=_text(value["text"], what), model=model)


def _check_length(messages: tuple[Message, ...], checks: RowChecks) -> None:
    if checks.context_tokens is None:
        return
    size = sum(len(message.content.encode()) for message in messages)
    tokens = size // BYTES_PER_TOKEN + checks.output_tokens
    if tokens > checks.context_tokens:
        detail = (
            f"about {size // BYTES_PER_TOKEN} tokens and {checks.output_tokens} for the answer "
            f"do not fit into context_tokens = {checks.context_tokens}"
        )
        raise RowProblemError(SkipReason.TOO_LONG, detail)


def _sha(*values: object) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
