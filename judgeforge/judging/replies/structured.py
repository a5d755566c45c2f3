"""Reading a judge's reply strictly against its schema: a bad reply is never a score.

The structured reply of a judge that compares two completions.

The structured reply of a judge that sees all completions of a prompt at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.judging.replies.json_object import (
    UnreadableReplyError,
    exact_keys,
    one_object,
    shown,
    storable,
)
from judgeforge.judging.rubric import Criterion, Rubric


@dataclass(frozen=True, slots=True)
class ScoreReply:
    rationale: str
    criteria: dict[str, float]
    """Criterion name -> 0 to 1, higher is better."""
    in_words: bool = False
    """Whether it was read from the judge's words, since it was not the JSON that was asked for."""


def score_schema(rubric: Rubric) -> ReplySchema:
    """Rationale first, then one score for each judged criterion.

    Only keywords that both providers' strict modes accept: no ranges, no references.
    """
    scores = {criterion.name: score_type(criterion) for criterion in rubric.judged}
    return ReplySchema(
        name="judgment",
        schema=object_schema(
            {
                "rationale": {
                    "type": "string",
                    "description": "The reasons for the scores, in a few sentences.",
                },
                "scores": object_schema(scores),
            }
        ),
    )


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def score_type(criterion: Criterion) -> dict[str, Any]:
    if criterion.levels is None:
        return {"type": "boolean"}
    return {"type": "integer", "enum": list(range(1, len(criterion.levels) + 1))}


def read_scores(text: str, rubric: Rubric) -> ScoreReply:
    """Level k of n becomes (k - 1) / (n - 1), yes 1 and no 0. Raises UnreadableReplyError."""
    value = one_object(text)
    exact_keys(value, ["rationale", "scores"], "the reply")
    rationale, scores = value["rationale"], value["scores"]
    if not isinstance(rationale, str):
        raise UnreadableReplyError("`rationale` must be a string")
    if not isinstance(scores, dict):
        raise UnreadableReplyError("`scores` must be an object")
    exact_keys(scores, [criterion.name for criterion in rubric.judged], "`scores`")
    criteria = {c.name: read_score(c, scores[c.name]) for c in rubric.judged}
    return ScoreReply(storable(rationale), criteria)


def read_score(criterion: Criterion, value: object) -> float:
    if criterion.levels is None:
        if not isinstance(value, bool):
            raise UnreadableReplyError(
                f"`{criterion.name}` must be true or false, not {shown(value)}"
            )
        return float(value)
    most = len(criterion.levels)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UnreadableReplyError(
            f"`{criterion.name}` must be a whole number from 1 to {most}, not {shown(value)}"
        )
    return (value - 1) / (most - 1)


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


@dataclass(frozen=True, slots=True)
class ListReply:
    rationale: str
    criteria: tuple[dict[str, float], ...]
    """For each completion in the order shown: criterion name -> 0 to 1, higher is better."""


def list_schema(rubric: Rubric, completions: int) -> ReplySchema:
    """Rationale first, then an object of scores for each answer in the order shown."""
    scores = {criterion.name: score_type(criterion) for criterion in rubric.judged}
    rationale = {
        "type": "string",
        "description": "What sets the answers apart, in a few sentences.",
    }
    answers = {key: object_schema(scores) for key in _keys(completions)}
    return ReplySchema(name="judgments", schema=object_schema({"rationale": rationale, **answers}))


def read_list(text: str, rubric: Rubric, completions: int) -> ListReply:
    """Scores as in ``read_scores``, for every answer. Raises UnreadableReplyError."""
    value = one_object(text)
    exact_keys(value, ["rationale", *_keys(completions)], "the reply")
    if not isinstance(value["rationale"], str):
        raise UnreadableReplyError("`rationale` must be a string")
    answers = tuple(_scores(value[key], rubric, key) for key in _keys(completions))
    return ListReply(storable(value["rationale"]), answers)


def _keys(completions: int) -> list[str]:
    return [f"answer_{number}" for number in range(1, completions + 1)]


def _scores(scores: object, rubric: Rubric, key: str) -> dict[str, float]:
    if not isinstance(scores, dict):
        raise UnreadableReplyError(f"`{key}` must be an object")
    exact_keys(scores, [criterion.name for criterion in rubric.judged], f"`{key}`")
    try:
        return {c.name: read_score(c, scores[c.name]) for c in rubric.judged}
    except UnreadableReplyError as error:
        raise UnreadableReplyError(f"`{key}`: {error}") from error
