"""How OpenAI's cache is told of a row: requests of one key meet the same machine.

Since GPT-5.6 beginnings are kept where a request marks them. Left alone, such a model writes each
request whole, at a higher price, and finds it only where the next one goes on from there.
"""

from __future__ import annotations

import re
from typing import Any

from judgeforge.calls.providers.base import Body, Marks
from judgeforge.config.model import ModelConfig

_KEEPS_MARKS = re.compile(r"(^|/)gpt-(5\.[6-9]|[6-9])")
_MARK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


def marked(model: ModelConfig, body: Body, marks: Marks) -> Body:
    """The body with what routes and marks it; it is not changed itself."""
    if marks.at is None or marks.none:
        return body
    sent = dict(body)
    if marks.row is not None and model.base_url is None:
        sent.setdefault("prompt_cache_key", marks.row)
    if not _KEEPS_MARKS.search(model.model) or "prompt_cache_options" in sent:
        return sent
    turns = list(body["messages"])
    last = marks.at.messages - 1
    if last < 0 or marks.at.messages >= len(turns) or turns[0]["role"] == "user":
        return sent  # the rubric begins the user's message
    turns[last] = {**turns[last], "content": _marked(_parts(turns[last]["content"]))}
    if marks.row is not None:
        turn = turns[marks.at.messages]
        turns[marks.at.messages] = {**turn, "content": _cut(turn["content"], marks)}
    return {**sent, "messages": turns, "prompt_cache_options": {"mode": "explicit"}}


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _marked(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*parts[:-1], {**parts[-1], **_MARK}] if parts else parts


def _cut(content: str | list[dict[str, Any]], marks: Marks) -> list[dict[str, Any]]:
    """The content in parts, the last of which that is shared is marked."""
    if marks.at is None:
        raise ValueError("marks without a place")
    if isinstance(content, list):
        return [*_marked(content[: marks.at.parts]), *content[marks.at.parts :]]
    at = marks.at.characters
    return [*_marked(_parts(content[:at])), *_parts(content[at:])]
