"""What is so of a pair, as findings speak of it."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.figures import marks
from judgeforge.results.figures.criteria import criteria_of_sides
from judgeforge.results.figures.judges import preferences_by_judge
from judgeforge.results.figures.marks import Mark, marks_of
from tests.support.result_rows import Row, completion, figures_of, judgment, pair, scored


def of(
    one: Row, completions: list[Row] | None = None, judgments: list[Row] | None = None
) -> set[Mark]:
    rows = judgments or []
    (criteria,) = criteria_of_sides([one], rows)
    sides = completions or [completion(0, 0), completion(0, 1)]
    return marks_of(one, sides, rows, preferences_by_judge(rows), criteria)


USUAL = {(marks.WON, "a"), (marks.WRITERS, "a", "b")}


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({}, set()),
        ({"chosen": 30}, {marks.LONGER}),
        ({"rejected": 30}, {marks.SHORTER}),
        ({"confidence": 0.7}, {marks.UNSURE}),
        ({"score_margin": 0.05}, {marks.NARROW}),
    ],
)
def test_of_the_pair_itself(fields: dict[str, Any], more: set[Mark]) -> None:
    assert of(pair(**fields)) == USUAL | more


def test_two_sides_of_one_writer_say_nothing_of_writers() -> None:
    assert of(pair(rejected_model="a")) == set()


@pytest.mark.parametrize(
    ("fields", "mark"),
    [
        ({"finish": "length"}, (marks.UNFINISHED, "b")),
        ({"flags": ["duplicate:p0.c0"]}, marks.TWIN),
        ({"flags": ["suspicious:verdict"]}, marks.SIGN),
        ({"answered_model": "y"}, (marks.ANSWERED, marks.WRITER, "b", "y")),
        ({"input_tokens_read": 3}, (marks.CUT, marks.WRITER, "b")),
    ],
)
def test_of_a_completion(fields: dict[str, Any], mark: Mark) -> None:
    assert of(pair(), [completion(0, 0), completion(0, 1, **fields)]) == USUAL | {mark}


def test_of_another_completion_of_the_prompt_nothing_is_told() -> None:
    other = {**completion(0, 1, finish="length"), "id": "p0.c7"}
    assert of(pair(), [completion(0, 0), completion(0, 1), other]) == USUAL


def test_of_a_label_that_was_reversed() -> None:
    sides = [completion(0, 0, given="rejected"), completion(0, 1, given="chosen")]
    assert of(pair(), sides) == USUAL | {marks.FLIPPED}


def test_of_judges() -> None:
    rows = [
        scored("x", 0, 0, 0.9), scored("x", 0, 1, 0.1),
        scored("y", 0, 0, 0.1), scored("y", 0, 1, 0.9),
        scored("z", 0, 0, 0.5, missing="no verdict"),
        judgment("w", ("p0.c0", "p0.c1"), verdict="a", own_family=["p0.c0"]),
        judgment("v", ("p0.c0", "p0.c1"), verdict="b"),
        judgment("u", ("p0.c0", "p0.c9"), verdict="a"),
        scored("t", 0, 8, 0.5, missing="of another completion"),
    ]  # fmt: skip
    found = of(pair(), judgments=rows) - USUAL
    assert found >= {(marks.APART, "x", "y"), (marks.APART, "v", "w"), (marks.SILENT, "z")}
    assert found >= {(marks.FIRST, "w"), (marks.SECOND, "v"), (marks.OWN_FAMILY, "w")}
    assert found.isdisjoint({(marks.FIRST, "u"), (marks.SILENT, "t"), (marks.APART, "w", "x")})


def test_of_criteria() -> None:
    rows = [
        scored("x", 0, place, 0.5, criteria={"brief": place, "kind": 0.5, "right": 1.0 - place})
        for place in (0, 1)
    ]
    found = of(pair(), judgments=rows)
    assert found >= {(marks.AGAINST, "brief"), (marks.EQUAL, "kind"), (marks.FOR, "right")}


def test_of_each_mark_some_pairs_are_picked_when_a_finding_asks_for_them() -> None:
    figures = figures_of(
        300, judgments=lambda n: [scored("x", n, 0, 0.5, missing="no verdict" if n > 250 else None)]
    )
    mark = (marks.SILENT, "x")
    without = {one.place.pair_id for one in figures.shortlist.picked()}
    picked = [one.place.pair_id for one in figures.shortlist.picked([mark])]
    assert {"p251.p0", "p252.p0", "p253.p0"} <= set(picked)
    assert picked[: len(without)] == [one.place.pair_id for one in figures.shortlist.picked()]
