"""What a model replied that was asked to write criteria, read strictly.

A criterion that is read is a name, a question and an importance. What cannot be one (an odd name, a
question that repeats a tag of the prompt, a name that is taken) makes the reply unreadable: it is
asked for again with the reason, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from judgeforge.calls.providers.base import ReplySchema
from judgeforge.judging.replies.json_object import (
    UnreadableReplyError,
    asked_object,
    exact_keys,
    storable,
)
from judgeforge.judging.rubric import NAMED_WEIGHTS, Criterion
from judgeforge.text.wording import counted, listed

LONGEST_QUESTION = 600
"""Characters."""
_LONGEST_NAME = 48
_KEYS = ("name", "question", "importance")

WRITTEN_SCHEMA = ReplySchema(
    "criteria",
    {
        "type": "object",
        "properties": {
            "criteria": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "question": {"type": "string"},
                        "importance": {"type": "string", "enum": list(NAMED_WEIGHTS)},
                    },
                    "required": list(_KEYS),
                    "additionalProperties": False,
                },
            }
        },
        "required": ["criteria"],
        "additionalProperties": False,
    },
)
"""Only keywords that all strict modes accept."""


def read_written(text: str, *, most: int, taken: Iterable[str], code: str) -> list[Criterion]:
    """At least one criterion and at most ``most``: the first ones of more.

    ``taken``: names of criteria that are judged beside them. ``code``: that of the tags in the
    prompt, which no criterion may repeat. Raises UnreadableReplyError.
    """
    items = asked_object(text, ["criteria"])["criteria"]
    if not isinstance(items, list) or not items:
        raise UnreadableReplyError("`criteria` must be a list of at least one object")
    names = {*taken}
    found = list[Criterion]()
    for number, item in enumerate(items[:most], start=1):
        found.append(_criterion(item, f"criterion {number}", names, code))
        names.add(found[-1].name)
    if all(one.is_fault for one in found):
        raise UnreadableReplyError("all criteria are pitfalls; at least one must be met by good")
    return found


def _criterion(item: object, what: str, taken: set[str], code: str) -> Criterion:
    if not isinstance(item, dict):
        raise UnreadableReplyError(f"{what} must be an object")
    exact_keys(item, list(_KEYS), what)
    if not all(isinstance(item[key], str) for key in _KEYS):
        raise UnreadableReplyError(f"{what}: all of {listed(_KEYS, mark='`')} must be strings")
    importance = item["importance"]
    if importance not in NAMED_WEIGHTS:
        raise UnreadableReplyError(
            f"{what}: `importance` must be one of {listed(NAMED_WEIGHTS, mark='`')}"
        )
    question = " ".join(storable(item["question"]).split())
    if not question or len(question) > LONGEST_QUESTION:
        length = counted(len(question), "character")
        raise UnreadableReplyError(
            f"{what}: a question has 1 to {LONGEST_QUESTION} characters, not {length}"
        )
    if code in question:
        raise UnreadableReplyError(f"{what}: the question repeats a tag of the material")
    return Criterion(
        name=_name(item["name"], what, taken), weight=NAMED_WEIGHTS[importance], yes_no=question
    )


def _name(value: str, what: str, taken: set[str]) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")[:_LONGEST_NAME].rstrip("_")
    if not name or not name[0].isalpha():
        raise UnreadableReplyError(f"{what}: its name must be plain words, a letter first")
    if name in taken:
        raise UnreadableReplyError(f"{what}: another criterion is called `{name}` already")
    return name
