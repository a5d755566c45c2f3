"""A check of all tool calls of an answer against those that are expected: which, with what, in
which order, and none beside them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from judgeforge.judging.checks.structured import read_json
from judgeforge.judging.checks.subject import (
    MOST_TEXTS,
    Subject,
    UndecidedCheckError,
    known_settings,
    shown,
    text,
)
from judgeforge.text.messages import ToolCall
from judgeforge.text.visible import normalized

_KEYS = ("calls", "from", "order", "others")
_ANY = object()
"""Arguments that are not stated: any will do."""


@dataclass(frozen=True, slots=True)
class WantedCall:
    name: str
    arguments: Any
    """As JSON has them, or ``_ANY``."""

    def is_met_by(self, call: ToolCall) -> bool:
        if call.name != self.name:
            return False
        if self.arguments is _ANY:
            return True
        # Some servers write no arguments as no text at all.
        found, value = read_json(call.arguments if call.arguments.strip() else "{}")
        return found and _same(value, self.arguments)


@dataclass(frozen=True, slots=True)
class WantedCalls:
    calls: tuple[WantedCall, ...] = ()
    key: str | None = None
    """Of the row's metadata, which has the calls; None where the check itself has them."""
    in_order: bool = False
    others: bool = False
    """Whether other calls may stand beside them."""


def wanted_calls(value: JsonValue) -> WantedCalls:
    """A list of calls, none for no call; or ``{calls: […], order: same, others: allow}``, with
    ``from: KEY`` in place of ``calls`` for those of the row's metadata."""
    if isinstance(value, list):
        return WantedCalls(_calls(value))
    if not isinstance(value, dict) or ("calls" in value) == ("from" in value):
        raise ValueError(
            "must be a list of calls, or a mapping with `calls` (such a list) or `from` (a key of "
            f"the row's metadata that has one), not {shown(value)}"
        )
    known_settings(value, _KEYS)
    order, others = value.get("order", "any"), value.get("others", "refuse")
    if order not in {"any", "same"}:
        raise ValueError(f"`order` must be any or same, not {shown(order)}")
    if others not in {"refuse", "allow"}:
        raise ValueError(f"`others` must be refuse or allow, not {shown(others)}")
    source = text(value["from"]) if "from" in value else None
    calls = () if source else _calls(value["calls"])
    return WantedCalls(calls, source, order == "same", others == "allow")


def makes_calls(subject: Subject, wanted: WantedCalls) -> bool:
    calls = wanted.calls if wanted.key is None else _of_row(subject, wanted.key)
    if not wanted.others and len(subject.calls) != len(calls):
        return False
    if wanted.in_order:
        made = iter(subject.calls)
        return all(any(one.is_met_by(call) for call in made) for one in calls)
    return _all_met(calls, list(subject.calls))


def _all_met(wanted: Sequence[WantedCall], made: list[ToolCall]) -> bool:
    """Each by a call of its own. Those that state their arguments choose first: what they leave is
    enough for those that take any."""
    for one in sorted(wanted, key=lambda call: call.arguments is _ANY):
        place = next((at for at, call in enumerate(made) if one.is_met_by(call)), None)
        if place is None:
            return False
        del made[place]
    return True


def _of_row(subject: Subject, key: str) -> tuple[WantedCall, ...]:
    value = subject.metadata.get(key)
    if value is None:
        raise UndecidedCheckError(f"the row has no `{key}` in its metadata")
    if isinstance(value, str):  # as tables have lists
        is_json, read = read_json(value)
        value = read if is_json else value
    try:
        return _calls(value)
    except ValueError as error:
        raise UndecidedCheckError(f"`{key}` of the row {error}") from error


def _calls(value: JsonValue) -> tuple[WantedCall, ...]:
    if not isinstance(value, list) or len(value) > MOST_TEXTS:
        raise ValueError(f"must be a list of at most {MOST_TEXTS} calls, not {shown(value)}")
    return tuple(map(_call, value))


def _call(value: JsonValue) -> WantedCall:
    """``{name, arguments}``, or as messages have it."""
    inner = value.get("function", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict) or set(inner) - {"name", "arguments"} or "name" not in inner:
        raise ValueError(f"must have calls as {{name: …, arguments: {{…}}}}, not {shown(value)}")
    if "arguments" not in inner:
        return WantedCall(text(inner["name"]), _ANY)
    arguments = inner["arguments"]
    if isinstance(arguments, str):
        is_json, arguments = read_json(arguments)
        if not is_json:
            raise ValueError("must have arguments that are a mapping, or JSON text of one")
    if not isinstance(arguments, Mapping):
        raise ValueError(f"must have arguments that are a mapping, not {shown(arguments)}")
    return WantedCall(text(inner["name"]), arguments)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 (any JSON values)
    """1 is 1.0 but not true; the order of keys does not count; texts are compared in NFC."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        mine = {normalized("NFC", str(key)): value for key, value in one.items()}
        others = {normalized("NFC", str(key)): value for key, value in other.items()}
        return mine.keys() == others.keys() and all(_same(mine[key], others[key]) for key in mine)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return normalized("NFC", one) == normalized("NFC", other)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
