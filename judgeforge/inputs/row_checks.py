"""One raw row -> what is needed of it, or the named reason why it is no prompt. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from judgeforge.config.run import Fields
from judgeforge.inputs.columns import listed
from judgeforge.inputs.raw import RawRow, shown
from judgeforge.records import Message, Prompt, ReadyCompletion, Role, SkipReason

if TYPE_CHECKING:
    from hashlib import _Hash

BYTES_PER_TOKEN = 4
"""English text; an estimate, the provider has the last word."""
_DEEPEST_METADATA = 100
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (C0, DEL, C1) but tab and line ends; halves of surrogate pairs."""
_ROLES = ("system", "user", "assistant")
_ID_DIGITS = 16
_LONGEST_ID = 1000
_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
# json.dumps with options builds an encoder for each call.
_canonical = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":")
).encode


class StatedCheck(Protocol):
    """A check of an answer by code, as far as a row can be at fault for it."""

    @property
    def name(self) -> str: ...

    @property
    def needs_reference(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class RowChecks:
    context_tokens: int | None = None
    """The smallest context of the sampled models; None where it is unknown."""
    output_tokens: int = 0
    """Of the context, kept free for the answer."""
    judged_tokens: int | None = None
    """The most that any judge can be shown beside its rubric and reply; None where unknown."""
    needs_completions: bool = False
    """Nothing is sampled: a row brings at least two usable, distinct completions."""
    metadata_checks: tuple[str, ...] = ()
    """Keys of the metadata from which the rubric takes checks."""
    read_checks: Callable[[object], Sequence[StatedCheck]] = lambda _: ()
    """Reads what stands under such a key; a ValueError says what is allowed there."""
    reference_check: str | None = None
    """The rubric's own check, if any, that compares every row with its reference."""


class RowProblemError(Exception):
    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class CheckedRow:
    """A row without a fault, but for its place among the others.

    ``asked`` is the SHA-256 of messages and completions; the id from the content covers reference
    and metadata too, and the digest the id on top.
    """

    __slots__ = ("_content", "_parts", "asked", "given_id")

    def __init__(self, given_id: str | None, parts: dict[str, Any]) -> None:
        self.given_id, self._parts = given_id, parts
        messages = [[message.role, message.content] for message in parts["messages"]]
        completions = [[one.text, one.model] for one in parts["completions"]]
        # Each part is a whole JSON list, so that no two rows run together to the same bytes.
        self._content: _Hash = hashlib.sha256(_canonical([messages, completions]).encode())
        self.asked = self._content.digest()
        self._content.update(_canonical([parts["reference"], parts["metadata"]]).encode())

    def content_id(self) -> str:
        return self._content.hexdigest()[:_ID_DIGITS]

    def prompt(self, prompt_id: str) -> Prompt:
        whole = self._content.copy()
        whole.update(_canonical([prompt_id]).encode())
        # Everything was checked already, and checking it twice takes as long as all the rest.
        return Prompt.model_construct(id=prompt_id, digest=whole.hexdigest(), **self._parts)


def check_row(row: RawRow, fields: Fields, checks: RowChecks) -> CheckedRow:
    """Check everything that can be told from the row alone. Raises RowProblemError."""
    columns = row.columns
    if fields.prompt not in columns:
        _bad(
            f"there is no `{shown(fields.prompt)}`; the row has {listed(columns)}. "
            "Name the column with `fields: {prompt: COLUMN}`"
        )
    given_id = row_id(columns, fields)
    messages = _messages(columns[fields.prompt])
    reference = columns.get(fields.reference)
    metadata = _metadata(columns.get(fields.metadata))
    _check_verifiable(metadata, checks, has_reference=reference is not None)
    parts = {
        "messages": messages,
        "line": row.line,
        "reference": None if reference is None else _text(reference, "`reference`"),
        "metadata": metadata,
        "completions": _completions(columns.get(fields.completions), checks),
    }
    return CheckedRow(given_id, parts)


def row_id(columns: Mapping[str, Any], fields: Fields) -> str | None:
    """The id that the row gives, a number as its decimal text; None without one.

    Raises RowProblemError for a wrong one.
    """
    value = columns.get(fields.id)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        _bad(f"`id` must be a string or a number, found {kind_of(value)}")
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            _bad(f"`id` must be a string or a number, found {value}")
        value = f"{Decimal(repr(value)) if isinstance(value, float) else value:f}"
    text = _text(str(value), "`id`")
    if not text.strip():
        _bad("`id` is empty; give one, or leave it out and it is made from the content")
    if len(text) > _LONGEST_ID:
        _bad(f"`id` is longer than {_LONGEST_ID} characters; shorten it")
    return text


def kind_of(value: object) -> str:
    """The type in the words of JSON."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")


def _bad(detail: str) -> NoReturn:
    raise RowProblemError(SkipReason.INVALID_ROW, detail)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        _bad(f"{what} must be a string, found {kind_of(value)}")
    unwanted = _UNWANTED.search(value)
    if unwanted is None:
        return value
    code = f"U+{ord(unwanted.group()):04X}"
    if unwanted.group() >= "\ud800":
        detail = f"{what} holds half a surrogate pair ({code}); write the whole character"
        raise RowProblemError(SkipReason.INVALID_ENCODING, detail)
    detail = f"{what} holds the control character {code}; remove it"
    raise RowProblemError(SkipReason.CONTROL_CHARACTERS, detail)


def _messages(value: object) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (_message("user", value, "`prompt`"),)
    if value is None:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` is null; write one")
    if not isinstance(value, list):
        _bad(f"`prompt` must be a string or a list of messages, found {kind_of(value)}")
    if not value:
        raise RowProblemError(SkipReason.EMPTY_PROMPT, "`prompt` holds no message; write one")
    messages = tuple(_turn(turn, number) for number, turn in enumerate(value, start=1))
    _check_roles([message.role for message in messages])
    return messages


def _turn(turn: object, number: int) -> Message:
    if not isinstance(turn, Mapping):
        _bad(f"message {number} must be an object with `role` and `content`, found {kind_of(turn)}")
    role = turn.get("role")
    if role not in _ROLES:
        found = f"`{shown(role)}`" if isinstance(role, str) else kind_of(role)
        _wrong_roles(f"the role of message {number} must be {', '.join(_ROLES)}; found {found}")
    return _message(cast("Role", role), turn.get("content"), f"the content of message {number}")


def _message(role: Role, content: object, what: str) -> Message:
    text = _text(content, what)
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
        _wrong_roles("the last message must be the user's; add one, or take the answer out")


def _metadata(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        _bad(f"`metadata` must be an object, found {kind_of(value)}")
    try:
        return _json_object(value)
    except UnicodeEncodeError:
        raise RowProblemError(
            SkipReason.INVALID_ENCODING,
            "`metadata` holds half a surrogate pair; write the whole character",
        ) from None
    except (ValueError, TypeError, RecursionError) as error:
        _bad(f"`metadata` cannot be written as JSON ({error}); change or remove that value")


def _check_verifiable(
    metadata: Mapping[str, Any], checks: RowChecks, *, has_reference: bool
) -> None:
    """What the rubric verifies by code must be there and be right before completions are paid."""
    compares = checks.reference_check
    for key in checks.metadata_checks:
        stated = metadata.get(key)
        if stated is None or stated == {}:
            continue
        try:
            ready = checks.read_checks(stated)
        except ValueError as error:
            _bad(f"`metadata.{shown(key)}`: {error}")
        compares = compares or next((one.name for one in ready if one.needs_reference), None)
    if compares and not has_reference:
        _bad(f"the check `{compares}` needs a `reference`, and the row has none; add one")


def _json_object(value: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        _refuse_depth(value)
        _canonical(value).encode()
    except TypeError:
        plain = json.loads(json.dumps(value, default=_as_text))
        _canonical(plain).encode()
        return cast("Mapping[str, Any]", plain)
    return value


def _refuse_depth(value: object) -> None:
    """Raises ValueError for what could be read here and not be written where calls are nested."""
    level = [value]
    for _ in range(_DEEPEST_METADATA):
        level = [
            inner
            for each in level
            if isinstance(each, Mapping | list)
            for inner in (each.values() if isinstance(each, Mapping) else each)
        ]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {_DEEPEST_METADATA} levels")


def _as_text(value: object) -> str:
    """Values that tables have and JSON has not."""
    if isinstance(value, date | time | Decimal):
        return str(value)
    raise TypeError(f"a value is {kind_of(value)}")


def _completions(value: object, checks: RowChecks) -> tuple[ReadyCompletion, ...]:
    if value is None:
        value = []
    if not isinstance(value, list):
        _bad(f"`completions` must be a list, found {kind_of(value)}")
    if not value and not checks.needs_completions:
        return ()
    ready = tuple(_completion(one, number) for number, one in enumerate(value, start=1))
    if len({one.text for one in ready if one.text.strip()}) < 2:
        cause = "" if ready else ", and the configuration samples none (`sampling`)"
        raise RowProblemError(
            SkipReason.TOO_FEW_COMPLETIONS,
            f"`completions` must hold at least two different texts{cause}; add some",
        )
    return ready


def _completion(value: object, number: int) -> ReadyCompletion:
    what = f"completion {number}"
    if isinstance(value, str):
        return ReadyCompletion.model_construct(text=_text(value, what), model=None)
    if not isinstance(value, Mapping) or value.get("text") is None:
        _bad(f"{what} must be a string or an object with `text`, found {kind_of(value)}")
    model = value.get("model")
    return ReadyCompletion.model_construct(
        text=_text(value["text"], f"the text of {what}"),
        model=None if model is None else _text(model, f"the model of {what}"),
    )
