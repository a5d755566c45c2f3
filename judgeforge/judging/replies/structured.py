"""The structured replies of judges: their JSON Schemas, and reading them strictly.

Of a judge that scores one completion (``score_schema``, ``read_scores``), compares two
(``PAIR_SCHEMA``, ``read_pair``), or scores all completions of a prompt side by side
(``list_schema``, ``read_list``). A reply that breaks its schema is never a score: every reader
raises UnreadableReplyError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.judging.replies.json_object import (
    UnreadableReplyError,
    asked_object,
    exact_keys,
    named_as,
    one_object,
    quoted,
    storable,
)
from judgeforge.judging.rubric import Criterion, Rubric

_SIDES: Mapping[str, int] = {"A": 1, "B": -1, "tie": 0}
_STRENGTHS: Mapping[str, float] = {"slight": 1 / 3, "clear": 2 / 3, "strong": 1.0}
_YES_OR_NO: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}
_LEVEL = re.compile(r"\s*(\d{1,3}(?:\.0{1,3})?)\s*(?:(?:/|out of)\s*(\d{1,3})\s*)?")
_CHOICE = re.compile(
    r"[\s*_`\"'(]*(?:(?:answer|response|completion|assistant|option|output)[\s_]*)?"
    r"(\w+?)[\s*_`\"').]*",
    re.IGNORECASE,
)
_LONGEST_CHOICE = 40


@dataclass(frozen=True, slots=True)
class ScoreReply:
    rationale: str
    criteria: dict[str, float]
    """Criterion name -> 0 to 1, higher is better."""
    in_words: bool = False
    """Whether it was read from the judge's words, since it was not the JSON that was asked for."""


@dataclass(frozen=True, slots=True)
class PairReply:
    rationale: str
    lean: float
    """From -1 (the second is better beyond doubt) over 0 (a tie) to 1 (the first is)."""
    in_words: bool = False
    """As in ScoreReply."""


@dataclass(frozen=True, slots=True)
class ListReply:
    rationale: str
    criteria: tuple[dict[str, float], ...]
    """For each completion in the order shown: criterion name -> 0 to 1, higher is better."""


_schemas: dict[tuple[str, int], ReplySchema] = {}
"""By the rubric's SHA-256 and the number of completions side by side; 0 for one alone."""
_SCHEMAS_KEPT = 64
"""Most runs have one rubric; where prompts have criteria of their own, each is another."""


def score_schema(rubric: Rubric) -> ReplySchema:
    """Rationale first, then one score for each judged criterion.

    Only keywords that both providers' strict modes accept: no ranges, no references.
    """
    key = rubric.sha256, 0
    if key not in _schemas:
        about = "The reasons for the scores, in a few sentences."
        _keep(key, _reply_schema("judgment", about, {"scores": _scores_schema(rubric)}))
    return _schemas[key]


def list_schema(rubric: Rubric, completions: int) -> ReplySchema:
    """Rationale first, then an object of scores for each answer in the order shown."""
    key = rubric.sha256, completions
    if key not in _schemas:
        about = "What sets the answers apart, in a few sentences."
        answers = dict.fromkeys(_keys(completions), _scores_schema(rubric))
        _keep(key, _reply_schema("judgments", about, answers))
    return _schemas[key]


def _keep(key: tuple[str, int], schema: ReplySchema) -> None:
    if len(_schemas) >= _SCHEMAS_KEPT:
        _schemas.clear()
    _schemas[key] = schema


def _scores_schema(rubric: Rubric) -> dict[str, Any]:
    return _object_schema({criterion.name: _score_type(criterion) for criterion in rubric.judged})


def _score_type(criterion: Criterion) -> dict[str, Any]:
    if criterion.levels is None:
        return {"type": "boolean"}
    return {"type": "integer", "enum": list(range(1, len(criterion.levels) + 1))}


def _reply_schema(name: str, about: str, answers: Mapping[str, Any]) -> ReplySchema:
    rationale = {"type": "string", "description": about}
    return ReplySchema(name=name, schema=_object_schema({"rationale": rationale, **answers}))


def _object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


PAIR_SCHEMA = _reply_schema(
    "comparison",
    "Where the answers differ and what that means, in a few sentences.",
    {
        "better": {"type": "string", "enum": list(_SIDES)},
        "strength": {"type": "string", "enum": list(_STRENGTHS)},
    },
)
"""Rationale first, then the verdict and how clear it is."""


def read_scores(text: str, rubric: Rubric) -> ScoreReply:
    """Level k of n becomes (k - 1) / (n - 1), yes 1 and no 0. Raises UnreadableReplyError."""
    rationale, value = _reply(text, ["scores"])
    scores = _scores(value["scores"], rubric, "scores")
    return ScoreReply(rationale, {c.name: _read_score(c, scores[c.name]) for c in rubric.judged})


def _read_score(criterion: Criterion, value: object) -> float:
    if criterion.levels is None:
        said = _YES_OR_NO.get(value.strip().lower()) if isinstance(value, str) else value
        if not isinstance(said, bool):
            raise UnreadableReplyError(
                f"`{criterion.name}` must be true or false, not {quoted(value)}"
            )
        return float(said)
    most = len(criterion.levels)
    said = _LEVEL.fullmatch(value) if isinstance(value, str) else None
    is_level = said is not None and (said[2] is None or int(said[2]) == most)
    level = float(said[1]) if said is not None and is_level else value
    if (
        isinstance(level, bool)
        or not isinstance(level, (int, float))
        or level % 1 != 0
        or not 1 <= level <= most
    ):
        raise UnreadableReplyError(
            f"`{criterion.name}` must be a whole number from 1 to {most}, not {quoted(value)}"
        )
    return (level - 1) / (most - 1)


def read_pair(text: str) -> PairReply:
    """A tie has no strength, whatever the reply says of it. Raises UnreadableReplyError."""
    rationale, value = _reply(text, ["better", "strength"])
    side = _one_of(_SIDES, value["better"], "better")
    return PairReply(rationale, side and side * _one_of(_STRENGTHS, value["strength"], "strength"))


def read_list(text: str, rubric: Rubric, completions: int) -> ListReply:
    """Scores as in ``read_scores``, for every answer. Raises UnreadableReplyError."""
    rationale, value = _reply(text, _keys(completions))
    return ListReply(rationale, tuple(_answer(value[k], rubric, k) for k in _keys(completions)))


def _reply(text: str, keys: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The rationale, and the object that also holds exactly these keys."""
    value = asked_object(text, ["rationale", *keys])
    if not isinstance(value["rationale"], str):
        raise UnreadableReplyError("`rationale` must be a string")
    return storable(value["rationale"]), value


def _answer(value: object, rubric: Rubric, key: str) -> dict[str, float]:
    scores = _scores(value, rubric, key)
    try:
        return {c.name: _read_score(c, scores[c.name]) for c in rubric.judged}
    except UnreadableReplyError as error:
        raise UnreadableReplyError(f"`{key}`: {error}") from error


def _scores(value: object, rubric: Rubric, key: str) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = one_object(value)
    if not isinstance(value, dict):
        raise UnreadableReplyError(f"`{key}` must be an object")
    names = [criterion.name for criterion in rubric.judged]
    value = named_as(value, names)
    exact_keys(value, names, f"`{key}`")
    return value


def _one_of(choices: Mapping[str, float], value: object, key: str) -> float:
    said = {name.lower(): name for name in choices}
    word = value.strip() if isinstance(value, str) else ""
    found = _CHOICE.fullmatch(word) if len(word) <= _LONGEST_CHOICE else None
    chosen = said.get(found[1].lower()) if found else None
    if chosen is None:
        allowed = ", ".join(f'"{choice}"' for choice in choices)
        raise UnreadableReplyError(f"`{key}` must be one of {allowed}, not {quoted(value)}")
    return choices[chosen]


def _keys(completions: int) -> list[str]:
    return [f"answer_{number}" for number in range(1, completions + 1)]
