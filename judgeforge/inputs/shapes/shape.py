"""What a shape of rows is: the columns that tell it, and how a row becomes a prompt's columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.messages_in_text import refuse_template
from judgeforge.inputs.rows import bad, is_nan
from judgeforge.records import Given

Columns = Mapping[str, Any]
JOINED = "joined rows"
"""Beside the columns of a row: all rows that were joined to it."""
STEP_LABELS = "labels"
"""Beside ``completions``, where these may be steps that follow each other."""


@dataclass(frozen=True, slots=True)
class Shape:
    title: str
    """What people call it."""
    columns: Callable[[Collection[str], Fields], tuple[str, ...]]
    """Names of a source's columns -> those that this shape reads; none where they make another
    one."""
    read: Callable[[Columns, Fields], dict[str, Any]]
    """Columns of a row -> ``prompt``, and ``completions`` where they are in columns of their own.
    Raises RowProblemError."""
    needs: tuple[str, ...]
    """Columns to name in an error, where a source is not of this shape."""
    brings_answers: bool = False
    """Whether its rows are made of a prompt and answers to judge."""
    is_recognised: bool = True
    """Whether its columns tell it; else only the configuration can."""
    one_row_each: bool = True
    """Whether a row is all of a prompt; else rows with the same prompt follow each other."""


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer that stands in a column of its own."""

    value: object
    """A text, or messages."""
    name: str
    """Of the column, for errors."""
    given: Given | None = None
    model: object = None


def prompts_columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    return (fields.prompt,) if fields.prompt in names else ()


def read_prompts_row(columns: Columns, fields: Fields) -> dict[str, Any]:
    return {"prompt": columns.get(fields.prompt)}


SHAPE = Shape("rows of prompts", prompts_columns, read_prompts_row, ("prompt",))
"""One prompt a row, in the columns that `fields:` names."""


def names_its_prompt(fields: Fields) -> bool:
    """Whether the configuration says which column has the prompt."""
    return "prompt" in fields.model_fields_set


def names_its_sides(fields: Fields) -> bool:
    """Whether the configuration says which columns have the two sides of a preference set."""
    named = {"chosen", "rejected"} & fields.model_fields_set
    return any(getattr(fields, side) is not None for side in named)


def with_system(turns: object, columns: Columns) -> object:
    """A list of turns with the text of a column `system` before them.

    Raises RowProblemError where they begin with another system prompt.
    """
    said = columns.get("system")
    if not isinstance(said, str) or not said.strip() or not isinstance(turns, list) or not turns:
        return turns
    first = turns[0]
    if not isinstance(first, Mapping) or first.get("role") != "system":
        return [{"role": "system", "content": said}, *turns]
    if first.get("content") != said:
        bad("the row has a column `system` and another system message; take one of them out")
    return turns


def one_turn(text: object) -> object:
    """A text as a user's turn; what is none stays as it is, to be refused by name.

    Raises RowProblemError for what a chat template made of messages.
    """
    if not isinstance(text, str):
        return text
    refuse_template(text)
    return [{"role": "user", "content": text}]


def picture_columns(fields: Fields) -> tuple[str, ...]:
    """Where pictures beside the prompt may stand."""
    if fields.images is None:
        return ()
    return (fields.images, "image") if fields.images == "images" else (fields.images,)


def pictures_in(columns: Mapping[str, Any], fields: Fields) -> object:
    """What the first of the columns has that has anything; None where none has."""
    values = (columns.get(name) for name in picture_columns(fields))
    return next((one for one in values if one not in (None, "", []) and not is_nan(one)), None)
