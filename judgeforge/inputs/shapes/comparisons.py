"""Two answers in columns of their own, and what was said of them, as public sets lay them out.

Whose answer was preferred becomes its side; where neither was, both are answers without a side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.rows import bad, is_nan, kind_of
from judgeforge.inputs.shapes.preferences import asked, conversation, split
from judgeforge.inputs.shapes.shape import Columns, GivenAnswer, Shape, names_its_prompt
from judgeforge.records import Given
from judgeforge.text.visible import quotable

_FIRST, _SECOND, _NEITHER = "first", "second", "neither"


@dataclass(frozen=True, slots=True)
class _Layout:
    prompt: str | None
    """None where the answers are whole conversations."""
    answers: tuple[str, str]
    said: str
    """The column that says which is better."""
    words: Mapping[object, str] | None = None
    """What it may say; None for a number: below 0 the first is better, above 0 the second."""
    models: tuple[str, str] = ("", "")


_LAYOUTS = (
    _Layout("context", ("response1", "response2"), "overall_preference"),  # HelpSteer3
    _Layout("prompt", ("response_1", "response_2"), "preference_strength"),  # HelpSteer2
    _Layout(  # PKU-SafeRLHF
        "prompt",
        ("response_0", "response_1"),
        "better_response_id",
        {0: _FIRST, 1: _SECOND},
    ),
    _Layout(  # Chatbot Arena
        None,
        ("conversation_a", "conversation_b"),
        "winner",
        {
            "model_a": _FIRST,
            "model_b": _SECOND,
            "tie": _NEITHER,
            "tie (bothbad)": _NEITHER,
            "both_bad": _NEITHER,
        },
        ("model_a", "model_b"),
    ),
)


def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    layout = _layout(names, fields)
    if layout is None:
        return ()
    wanted = (_prompt(layout, fields), *layout.answers, layout.said, *layout.models)
    return tuple(name for name in wanted if name in names)


def read(row: Columns, fields: Fields) -> dict[str, Any]:
    layout = _layout(row, fields)
    if layout is None:
        bad("the row lacks an answer, or what was said of the two")
    column = _prompt(layout, fields)
    answers = [conversation(row.get(name), name) for name in layout.answers]
    prompt, values = split(asked(row.get(column)) if column else None, answers, layout.answers)
    given = [
        GivenAnswer(answer, name, side, row.get(model))
        for answer, name, side, model in zip(
            values, layout.answers, _given(row[layout.said], layout), layout.models, strict=True
        )
    ]
    return {"prompt": prompt, "completions": given}


def _layout(names: Collection[str], fields: Fields) -> _Layout | None:
    for layout in _LAYOUTS:
        needed = {*layout.answers, layout.said, _prompt(layout, fields)} - {""}
        if all(name in names for name in needed):
            return layout
    return None


def _prompt(layout: _Layout, fields: Fields) -> str:
    if layout.prompt is None:
        return ""
    return fields.prompt if names_its_prompt(fields) else layout.prompt


def _given(said: object, layout: _Layout) -> tuple[Given | None, Given | None]:
    """The sides of both answers. Raises RowProblemError for what nobody can read."""
    if layout.words is not None:
        better = None if isinstance(said, bool | list | dict) else layout.words.get(said)
    elif isinstance(said, int | float) and not isinstance(said, bool) and not is_nan(said):
        better = _NEITHER if said == 0 else _FIRST if said < 0 else _SECOND
    else:
        better = None
    if better is None:
        found = f"`{quotable(said)}`" if isinstance(said, str) else kind_of(said)
        bad(f"`{layout.said}` does not say which answer is better; found {found}")
    if better == _NEITHER:
        return None, None
    return ("chosen", "rejected") if better == _FIRST else ("rejected", "chosen")


SHAPE = Shape(
    "two answers and a preference",
    columns,
    read,
    ("context", "response1", "response2", "overall_preference"),
    brings_answers=True,
)
