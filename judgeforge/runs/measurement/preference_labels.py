"""Preference sets as label files: the answer that people preferred is the better one.

Rows with ``chosen`` and ``rejected``, and other public layouts of two answers and a preference, are
what most labels of people come as. Which answer is `a` is drawn from the texts, so that no place
tells a judge which one was preferred.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.rows import RawRow, bad
from judgeforge.inputs.shapes.recognition import PROMPTS_NAME, shapes
from judgeforge.inputs.shapes.shape import GivenAnswer
from judgeforge.inputs.source_columns import SourceColumns

SHAPES = ("comparison", "preference")
"""Shapes of rows that say which of two answers was preferred."""
_OWN_COLUMNS = frozenset({"a", "completions"})
"""Of the rows that are labels by their own names."""


def label_columns(fields: Fields) -> SourceColumns:
    """The columns of a label file: those of labels, or else those of a preference set."""

    def shape(names: Collection[str]) -> str:
        if _OWN_COLUMNS & set(names):
            return PROMPTS_NAME
        made = (name for name in SHAPES if shapes()[name].columns(names, fields))
        return next(made, PROMPTS_NAME)

    return SourceColumns(fields, shape=shape)


def as_label(row: RawRow, source: SourceColumns) -> Mapping[str, Any]:
    """The columns of a row, with ``a``, ``b`` and ``label`` where a preference set has others.

    Raises RowProblemError.
    """
    recognised = source.recognised(row.columns)
    if recognised.name not in SHAPES:
        return row.columns
    if isinstance(origin := row.columns.get("provenance"), Mapping) and "judgment_ids" in origin:
        bad(
            "the row is a pair that a run made: what its judges said is not a label of people. "
            "`judgeforge label` shows such pairs to a person"
        )
    found = dict(recognised.canonical(row, source.fields, ())[0].columns)
    first, second = _in_drawn_order(found.pop("completions"))
    label = {None: "tie", "chosen": "a", "rejected": "b"}[first.given]
    sides = {"a": _unmarked(first), "b": _unmarked(second), "label": label, "labels": None}
    return {**found, **sides}


def _in_drawn_order(answers: Collection[GivenAnswer]) -> list[GivenAnswer]:
    """An order that depends on the texts alone, and not on which was preferred."""
    drawn = sorted(answers, key=lambda answer: _digest(answer.value))
    return drawn[:: -1 if _digest([each.value for each in drawn])[0] % 2 else 1]


def _digest(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).digest()


def _unmarked(answer: GivenAnswer) -> GivenAnswer:
    return GivenAnswer(answer.value, answer.name, model=answer.model)
