"""Rows that are conversations: ShareGPT's ``conversations``, and ``messages`` as for fine-tuning.

What the turns are like is read in ``inputs/turns.py``, in whatever column they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.messages_in_text import messages_of
from judgeforge.inputs.shapes.shape import Columns, Shape, names_its_prompt, one_turn, with_system
from judgeforge.inputs.turns import turns_of

_SYSTEM = "system"


def conversation_columns(
    candidates: Collection[str],
) -> Callable[[Collection[str], Fields], tuple[str, ...]]:
    """Of the first of ``candidates`` that is there, and the system prompt beside it."""

    def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
        wanted = (fields.prompt,) if names_its_prompt(fields) else candidates
        found = next((name for name in wanted if name in names), None)
        if found is None:
            return ()
        return (found, _SYSTEM) if _SYSTEM in names else (found,)

    return columns


def _read_with(candidates: Collection[str]) -> Callable[[Columns, Fields], dict[str, Any]]:
    find = conversation_columns(candidates)

    def read(columns: Columns, fields: Fields) -> dict[str, Any]:
        filled = [name for name, value in columns.items() if value is not None]
        found = find(filled, fields) or (next(iter(candidates)),)
        value = columns.get(found[0])
        if isinstance(value, str):
            turns = messages_of(value)
            value = one_turn(value) if turns is None else turns
        return {"prompt": with_system(turns_of(value), columns)}

    return read


_SHAREGPT = ("conversations", "conversation")
_MESSAGES = ("messages",)

SHAREGPT = Shape(
    "ShareGPT", conversation_columns(_SHAREGPT), _read_with(_SHAREGPT), ("conversations",)
)
MESSAGES = Shape(
    "rows of messages", conversation_columns(_MESSAGES), _read_with(_MESSAGES), ("messages",)
)
