"""One scored answer a row, those of a prompt one below the other, as HelpSteer and HelpSteer2 are.

Rows with the same prompt that follow each other are one prompt with several answers. Of two with
different scores, the higher one was preferred; of more, the highest and the lowest are the sides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.inputs.rows import BadRow, RawRow, bad, is_nan, kind_of
from judgeforge.inputs.shapes.shape import JOINED, Columns, GivenAnswer, Shape, names_its_prompt
from judgeforge.records import Given

_PROMPT, _ANSWER = "prompt", "response"
_SCORES = ("helpfulness", "score", "overall_score", "rating")
_MOST_ANSWERS = 256


def columns(names: Collection[str], fields: Fields) -> tuple[str, ...]:
    prompt, score = _prompt(fields), _score(names)
    if prompt not in names or _ANSWER not in names or score is None:
        return ()
    return (prompt, _ANSWER, score, *(["model"] if "model" in names else []))


def joined(
    rows: Iterable[RawRow | BadRow], prompt_of: Callable[[RawRow], object]
) -> Iterator[RawRow | BadRow]:
    """Rows with the same prompt that follow each other as one, by the first of them.

    ``prompt_of``: None for a row that stands for itself.
    """
    first: RawRow | None = None
    asked: object = None
    answers: list[Columns] = []
    for row in rows:
        prompt = prompt_of(row) if isinstance(row, RawRow) else None
        if first is not None:
            if isinstance(row, RawRow) and prompt == asked and len(answers) < _MOST_ANSWERS:
                answers.append(row.columns)
                continue
            yield replace(first, joined=answers)
            first = None
        if isinstance(row, BadRow) or prompt is None:
            yield row
        else:
            first, asked, answers = row, prompt, [row.columns]
    if first is not None:
        yield replace(first, joined=answers)


def read(row: Columns, fields: Fields) -> dict[str, Any]:
    answers = row.get(JOINED) or [row]
    scores = [_number(answer) for answer in answers]
    best, worst = scores.index(max(scores)), scores.index(min(scores))
    sides: dict[int, Given] = {} if scores[best] == scores[worst] else {best: "chosen"}
    if sides:
        sides[worst] = "rejected"
    return {
        "prompt": asked_in(row, fields),
        "completions": [
            GivenAnswer(answer.get(_ANSWER), _ANSWER, sides.get(place), answer.get("model"))
            for place, answer in enumerate(answers)
        ],
    }


def asked_in(row: Columns, fields: Fields) -> object:
    return row.get(_prompt(fields))


def _prompt(fields: Fields) -> str:
    return fields.prompt if names_its_prompt(fields) else _PROMPT


def _score(names: Collection[str]) -> str | None:
    return next((name for name in _SCORES if name in names), None)


def _number(answer: Columns) -> float:
    filled = [name for name, value in answer.items() if value is not None]
    name = _score(filled)
    value = answer.get(name) if name else None
    if isinstance(value, bool) or not isinstance(value, int | float) or is_nan(value):
        bad(f"the score of an answer must be a number, found {kind_of(value)}")
    return float(value)


SHAPE = Shape(
    "scored answers, one a row",
    columns,
    read,
    (_PROMPT, _ANSWER, _SCORES[0]),
    brings_answers=True,
    one_row_each=False,
)
