"""The structured reply of a judge that compares two completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from judgeforge.judging.json_object import (
    UnreadableReplyError,
    exact_keys,
    one_object,
    shown,
    storable,
)
from judgeforge.judging.replies import object_schema
from judgeforge.providers.base import ReplySchema

_SIDES: Mapping[str, int] = {"A": 1, "B": -1, "tie": 0}
_STRENGTHS: Mapping[str, float] = {"slight": 1 / 3, "clear": 2 / 3, "strong": 1.0}

PAIR_SCHEMA = ReplySchema(
    name="comparison",
    schema=object_schema(
        {
            "rationale": {
                "type": "string",
                "description": "Where the answers differ and what that means, in a few sentences.",
            },
            "better": {"type": "string", "enum": list(_SIDES)},
            "strength": {"type": "string", "enum": list(_STRENGTHS)},
        }
    ),
)
"""Rationale first, then the verdict and how clear it is."""


@dataclass(frozen=True, slots=True)
class PairReply:
    rationale: str
    lean: float
    """From -1 (the second is better beyond doubt) over 0 (a tie) to 1 (the first is)."""
    in_words: bool = False
    """As in ScoreReply."""


def read_pair(text: str) -> PairReply:
    """A tie has no strength, whatever the reply says of it. Raises UnreadableReplyError."""
    value = one_object(text)
    exact_keys(value, ["rationale", "better", "strength"], "the reply")
    rationale = value["rationale"]
    if not isinstance(rationale, str):
        raise UnreadableReplyError("`rationale` must be a string")
    side = _one_of(_SIDES, value["better"], "better")
    strength = _one_of(_STRENGTHS, value["strength"], "strength")
    return PairReply(storable(rationale), side * strength)


def _one_of(choices: Mapping[str, float], value: object, key: str) -> float:
    if not isinstance(value, str) or value not in choices:
        allowed = ", ".join(f'"{choice}"' for choice in choices)
        raise UnreadableReplyError(f"`{key}` must be one of {allowed}, not {shown(value)}")
    return choices[value]
