"""Reading a judge's reply strictly against its schema: a bad reply is never a score."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from judgeforge.providers.base import ReplySchema
from judgeforge.rubric import Criterion, Rubric

_FENCED = re.compile(r"^```(?:json)?[ \t]*\n(.*)\n```$", re.DOTALL)


class UnreadableReplyError(ValueError):
    """The reply is not what was asked for; the message says why, for the judge and for the log."""


@dataclass(frozen=True, slots=True)
class ScoreReply:
    rationale: str
    criteria: dict[str, float]
    """Criterion name -> 0 to 1, higher is better."""


def score_schema(rubric: Rubric) -> ReplySchema:
    """Rationale first, then one score for each judged criterion.

    Only keywords that both providers' strict modes accept: no ranges, no references.
    """
    scores = {criterion.name: _score_type(criterion) for criterion in rubric.judged}
    return ReplySchema(
        name="judgment",
        schema=_object(
            {
                "rationale": {
                    "type": "string",
                    "description": "The reasons for the scores, in a few sentences.",
                },
                "scores": _object(scores),
            }
        ),
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _score_type(criterion: Criterion) -> dict[str, Any]:
    if criterion.levels is None:
        return {"type": "boolean"}
    return {"type": "integer", "enum": list(range(1, len(criterion.levels) + 1))}


def read_scores(text: str, rubric: Rubric) -> ScoreReply:
    """Level k of n becomes (k - 1) / (n - 1), yes 1 and no 0. Raises UnreadableReplyError."""
    value = _one_object(text)
    _exact_keys(value, ["rationale", "scores"], "the reply")
    rationale, scores = value["rationale"], value["scores"]
    if not isinstance(rationale, str):
        raise UnreadableReplyError("`rationale` must be a string")
    if not isinstance(scores, dict):
        raise UnreadableReplyError("`scores` must be an object")
    _exact_keys(scores, [criterion.name for criterion in rubric.judged], "`scores`")
    criteria = {c.name: _score(c, scores[c.name]) for c in rubric.judged}
    return ScoreReply(_storable(rationale), criteria)


def _one_object(text: str) -> dict[str, Any]:
    stripped = text.strip()
    fenced = _FENCED.match(stripped)
    try:
        value = json.loads(
            fenced.group(1) if fenced else stripped,
            object_pairs_hook=_no_double_keys,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        raise UnreadableReplyError("the reply is nested too deeply") from error
    except UnreadableReplyError:
        raise
    except ValueError as error:
        raise UnreadableReplyError(f"the reply is not one JSON object: {error}") from error
    if not isinstance(value, dict):
        raise UnreadableReplyError("the reply is not a JSON object")
    return value


def _no_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnreadableReplyError("a key stands twice in an object")
    return value


def _no_constant(name: str) -> float:
    raise UnreadableReplyError(f"{name} is not a number of JSON")


def _exact_keys(value: dict[str, Any], wanted: list[str], where: str) -> None:
    missing = [key for key in wanted if key not in value]
    extra = [key for key in value if key not in wanted]
    if missing:
        raise UnreadableReplyError(f"{where} lacks `{missing[0]}`")
    if extra:
        raise UnreadableReplyError(f"{where} has the unknown key {_shown(extra[0])}")


def _score(criterion: Criterion, value: object) -> float:
    if criterion.levels is None:
        if not isinstance(value, bool):
            raise UnreadableReplyError(
                f"`{criterion.name}` must be true or false, not {_shown(value)}"
            )
        return float(value)
    most = len(criterion.levels)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UnreadableReplyError(
            f"`{criterion.name}` must be a whole number from 1 to {most}, not {_shown(value)}"
        )
    return (value - 1) / (most - 1)


def _shown(value: object) -> str:
    return ascii(value)[:60]


def _storable(text: str) -> str:
    """A JSON escape can name half a character, which no file in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()
