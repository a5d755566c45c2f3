"""Whole conversations in one text, with ``Human:`` and ``Assistant:`` before the turns, as in HH.

In a column ``prompt`` such a text was always a prompt by itself and stays one; it is read as a
conversation where the configuration says so. In ``chosen`` and ``rejected`` it can be nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.rows import bad
from judgeforge.inputs.shapes.shape import Columns, Shape, names_its_prompt
from judgeforge.text.patterns import late_pattern

_ROLES = {"Human": "user", "Assistant": "assistant", "System": "system"}
_BEGINS = late_pattern(r"\s*(?:Human|System):")
_TURN = late_pattern(r"(?:\A\s*|\n\n)(Human|Assistant|System):[ ]?")
_COLUMNS = ("prompt", "transcript", "text")


def looks_like_transcript(value: object) -> bool:
    return isinstance(value, str) and _BEGINS.match(value) is not None and len(_marks(value)) > 1


def transcript_turns(text: str, *, keep_empty_answer: bool = False) -> list[dict[str, str]]:
    """The turns of a transcript. "Assistant:" with nothing after it asks for the answer.

    ``keep_empty_answer``: it is an answer, and an empty one. Raises RowProblemError.
    """
    if not _BEGINS.match(text):
        bad("the text is not a transcript: it does not begin with `Human:`")
    marks = _marks(text)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    turns = [
        {"role": _ROLES[mark[1]], "content": text[mark.end() : end]}
        for mark, end in zip(marks, ends, strict=True)
    ]
    last = turns[-1]
    asks = last["role"] == "assistant" and not last["content"].strip()
    return turns[:-1] if asks and not keep_empty_answer else turns


def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    wanted = (fields.prompt,) if names_its_prompt(fields) else _COLUMNS
    return tuple(name for name in wanted if name in names)[:1]


def read(row: Columns, fields: Fields) -> dict[str, Any]:
    found = columns([name for name, value in row.items() if value is not None], fields)
    text = row[found[0]] if found else None
    return {"prompt": transcript_turns(text) if isinstance(text, str) else text}


def _marks(text: str) -> list[re.Match[str]]:
    return list(_TURN.finditer(text))


SHAPE = Shape("transcripts", columns, read, _COLUMNS[:1], is_recognised=False)
