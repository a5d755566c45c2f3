"""The structured reply of a judge that sees all completions of a prompt at once."""

from __future__ import annotations

from dataclasses import dataclass

from judgeforge.judging.json_object import (
    UnreadableReplyError,
    exact_keys,
    one_object,
    storable,
)
from judgeforge.judging.replies import object_schema, read_score, score_type
from judgeforge.providers.base import ReplySchema
from judgeforge.rubric import Rubric


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
