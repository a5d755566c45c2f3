"""What Anthropic's cache is asked to keep: the rubric, and the conversation of a row.

A mark stands at the end of what is kept; there may be four. What is kept for an hour has to stand
before what is kept for five minutes, so all marks of a request are of one kind.
"""

from __future__ import annotations

from typing import Any

from judgeforge.calls.providers.base import Body, Marks
from judgeforge.config.model import ModelConfig

_FOR_AN_HOUR = {"type": "ephemeral", "ttl": "1h"}
_FOR_FIVE_MINUTES = {"type": "ephemeral"}


def marked(model: ModelConfig, body: Body, marks: Marks) -> Body:  # noqa: ARG001
    """The body with other marks; it is not changed itself. A rubric is marked already."""
    mark = _FOR_AN_HOUR if marks.for_an_hour else _FOR_FIVE_MINUTES
    system = body.get("system")
    if not isinstance(system, list) or "cache_control" not in system[-1]:
        return body
    *first, rubric = system
    plain = {name: value for name, value in rubric.items() if name != "cache_control"}
    if marks.none:
        return {**body, "system": [*first, plain]}
    sent = {**body, "system": [*first, {**plain, "cache_control": mark}]}
    if marks.at is None or marks.row is None:
        return sent
    turns = list(body["messages"])
    # Messages of the system stand apart, as one.
    place = marks.at.messages - 1
    blocks = _blocks(turns[place]["content"], marks)
    turns[place] = {**turns[place], "content": _with_mark(blocks, mark)}
    return {**sent, "messages": turns}


def _blocks(content: str | list[dict[str, Any]], marks: Marks) -> list[list[dict[str, Any]]]:
    """What is shared, and what is not."""
    if marks.at is None:
        raise ValueError("marks without a place")
    if isinstance(content, list):
        return [content[: marks.at.parts], content[marks.at.parts :]]
    texts = content[: marks.at.characters], content[marks.at.characters :]
    return [[{"type": "text", "text": text}] if text.strip() else [] for text in texts]


def _with_mark(blocks: list[list[dict[str, Any]]], mark: dict[str, str]) -> list[dict[str, Any]]:
    shared, rest = blocks
    if not shared:
        return rest
    return [*shared[:-1], {**shared[-1], "cache_control": mark}, *rest]
