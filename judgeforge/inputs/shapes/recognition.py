"""Columns -> the one shape that they make. Where they could make two, the configuration chooses.

What was read before there were shapes is read as it was: a column ``prompt`` is the prompt, and
columns beside it are answers to judge only where nothing is sampled and there are no
``completions``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import NoReturn

from judgeforge.config.choices import ROW_SHAPES
from judgeforge.config.run import Fields
from judgeforge.inputs.rows import RawRow, RowProblemError, bad, column_names, is_nan
from judgeforge.inputs.shapes.shape import (
    JOINED,
    Shape,
    names_its_prompt,
    names_its_sides,
    picture_columns,
    pictures_in,
)
from judgeforge.inputs.shapes.shape import SHAPE as PROMPTS
from judgeforge.records import SkipReason
from judgeforge.text.wording import listed

PROMPTS_NAME = "prompts"
_OF_SHAPES = frozenset({"prompt", "chosen", "rejected"})
"""Fields that a shape reads; the others mean the same in every row."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """How rows with certain columns are read."""

    name: str
    """Of the shape, in ``ROW_SHAPES``."""
    shape: Shape
    columns: frozenset[str]
    """All that are read."""
    required: Mapping[str, str]
    """Column -> the field that would name another one."""

    def canonical(
        self, row: RawRow, fields: Fields, keep: Collection[str]
    ) -> tuple[RawRow, Fields]:
        """The row in the columns that the returned fields name. Raises RowProblemError."""
        if self.shape is PROMPTS and not keep:
            return row, fields
        self._require(row)
        self._refuse_differences(row, fields, keep)
        kept = {name: row.columns[name] for name in keep if row.columns.get(name) is not None}
        if self.shape is PROMPTS:
            return RawRow(row.line, row.columns, kept), fields
        columns = {**row.columns, JOINED: row.joined} if row.joined else row.columns
        common = {
            field: row.columns.get(column)
            for field, column in fields.model_dump().items()
            if column is not None and field not in _OF_SHAPES
        }
        common["images"] = pictures_in(row.columns, fields)
        found = {**common, **self.shape.read(columns, fields)}
        return RawRow(row.line, found, kept), Fields()

    def _refuse_differences(self, row: RawRow, fields: Fields, keep: Collection[str]) -> None:
        """A prompt of several rows has one reference, and its pairs have one metadata."""
        common = (fields.reference, fields.metadata, fields.completions, *keep)
        for name in filter(None, common):
            values = [each.get(name) for each in row.joined if not is_nan(each.get(name))]
            if any(value != values[0] for value in values):
                bad(
                    f"`{name}` differs between the rows that are one prompt, which can keep one "
                    "value; leave the column out, or make them equal"
                )

    def _require(self, row: RawRow) -> None:
        if self.shape is PROMPTS:
            return  # told where the prompt is read
        missing = next((name for name in self.required if name not in row.columns), None)
        if missing is not None:
            bad(
                f"there is no `{missing}`, which rows of the shape `{self.name}` have; the row has "
                f"{column_names(row.columns)}"
            )


def read_as(name: str, names: Collection[str], fields: Fields) -> Recognised:
    """As the configuration says; whether the columns are there is for others to look at."""
    shape = shapes()[name]
    columns = shape.columns(names, fields)
    required = {} if columns else dict.fromkeys(shape.needs, "prompt")
    if shape is PROMPTS:
        required = {fields.prompt: "prompt"}
    return _recognised(name, shape, columns, fields, required)


def recognise(names: Collection[str], fields: Fields, *, completions_wanted: bool) -> Recognised:
    """The only reading that rows with these columns have; that of prompts where they have none.

    Raises RowProblemError where there are two.
    """
    made = {
        name: shape
        for name, shape in shapes().items()
        if shape.is_recognised and shape.columns(names, fields)
    }
    found = _possible(made, names, fields, completions_wanted=completions_wanted)
    if len(found) > 1:
        _refuse(found)
    name = found[0] if found else PROMPTS_NAME
    required = {fields.prompt: "prompt"} if name == PROMPTS_NAME else {}
    shape = shapes()[name]
    return _recognised(name, shape, shape.columns(names, fields), fields, required)


def _possible(
    made: Mapping[str, Shape], names: Collection[str], fields: Fields, *, completions_wanted: bool
) -> list[str]:
    """Names of the shapes that rows could be in."""
    judged = [name for name, shape in made.items() if shape.brings_answers]
    plain = [name for name, shape in made.items() if not shape.brings_answers]
    if names_its_sides(fields) and judged:
        return judged
    if PROMPTS_NAME in plain:
        if not completions_wanted or fields.completions in names:
            return [PROMPTS_NAME]
        return judged or [PROMPTS_NAME]
    if names_its_prompt(fields):
        return []
    if judged:
        return judged if completions_wanted else [*judged, *plain]
    return plain


def _recognised(
    name: str,
    shape: Shape,
    columns: Collection[str],
    fields: Fields,
    required: Mapping[str, str],
) -> Recognised:
    common = {
        column
        for field, column in fields.model_dump().items()
        if column is not None and field not in _OF_SHAPES
    }
    every = {*columns, *common, *picture_columns(fields)}
    return Recognised(name, shape, frozenset(every), required)


def _refuse(found: Collection[str]) -> NoReturn:
    readings = listed((f"{shapes()[name].title} (`{name}`)" for name in found), most=3)
    detail = (
        f"the rows can be read in {len(found)} ways: {readings}; say which: "
        f"`prompts: {{shape: {next(iter(found))}}}`, or name the columns with `fields:`"
    )
    raise RowProblemError(SkipReason.INVALID_ROW, detail)


@cache
def _resolved(reference: str) -> Shape:
    shape: Shape = resolve_name(reference)
    return shape


def shapes() -> dict[str, Shape]:
    """By name, as the table has them now."""
    return {name: _resolved(reference) for name, reference in ROW_SHAPES.items()}
