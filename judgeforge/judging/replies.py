"""Reading a judge's reply strictly against its schema: a bad reply is never a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from judgeforge.judging.json_object import (
    UnreadableReplyError,
    exact_keys,
    one_object,
    shown,
    storable,
)
from judgeforge.providers.base import ReplySchema
from judgeforge.rubric import Criterion, Rubric


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
