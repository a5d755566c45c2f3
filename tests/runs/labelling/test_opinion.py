"""What the judges say of a pair, as it is told after the click."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.records import Completion, Judgment
from judgeforge.runs.labelling.choosing import Candidate, Look
from judgeforge.runs.labelling.material import Material
from judgeforge.runs.labelling.opinion import Opinion, opinion

LEFT, RIGHT = "p.c1", "p.c0"
LOOK = Look(Candidate("p", (RIGHT, LEFT)), (LEFT, RIGHT))


def judgment(judge: str, protocol: str, ids: tuple[str, ...], **said: Any) -> Judgment:
    return Judgment(
        id=f"{judge}.{'-'.join(ids)}",
        prompt_id="p",
        completion_ids=ids,
        judge=judge,
        protocol=protocol,
        **said,
    )


def scores(judge: str, left: float, right: float) -> list[Judgment]:
    return [
        judgment(judge, "pointwise", (name,), score=score)
        for name, score in ((LEFT, left), (RIGHT, right))
    ]


def told(*judgments: Judgment) -> Opinion | None:
    completions = {
        name: Completion(
            id=name, prompt_id="p", index=0, model="m", text=f"text of {name}", finish="stop"
        )
        for name in (LEFT, RIGHT)
    }
    return opinion(LOOK, Material((), completions, judgments=judgments), PRIOR)


def test_places_are_those_on_the_page() -> None:
    found = told(*scores("one", 0.1, 0.9))
    assert found is not None
    assert (found.best, found.by_judge) == (1, (("one", 1),))
    assert found.sure > 0.5


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (judgment("j", "pairwise", (LEFT, RIGHT), verdict="a"), 0),
        (judgment("j", "pairwise", (RIGHT, LEFT), verdict="a"), 1),
        (judgment("j", "pairwise", (RIGHT, LEFT), verdict="tie"), None),
        (judgment("j", "listwise", (RIGHT, LEFT, "p.c2"), scores=(0.2, 0.4, 0.9)), 0),
    ],
)
def test_each_kind_of_judgment_says_which_one_it_prefers(said: Judgment, place: int | None) -> None:
    found = told(said)
    assert found is not None
    assert found.by_judge == (("j", place),)


def test_judges_who_prefer_neither_have_no_preference() -> None:
    found = told(*scores("one", 0.5, 0.5))
    assert found is not None
    assert (found.best, found.by_judge) == (None, (("one", None),))


def test_where_only_one_side_was_judged_nothing_is_said() -> None:
    assert told(scores("one", 0.5, 0.5)[0]) is None
    assert told() is None


def test_a_judge_that_failed_is_not_named() -> None:
    failed = judgment("other", "pointwise", (LEFT,), missing="failed", missing_kind="failed")
    found = told(*scores("one", 0.4, 0.2), failed)
    assert found is not None
    assert [name for name, _ in found.by_judge] == ["one"]


@pytest.mark.parametrize(
    ("sure", "words"),
    [
        (0.964, "96 %"),
        (0.9949, "99 %"),
        (0.995, "over 99 %"),
        (0.99999, "over 99 %"),
        (1.0, "100 %"),
    ],
)
def test_nearly_certain_is_not_said_to_be_certain(sure: float, words: str) -> None:
    assert Opinion(0, sure, ()).sure_in_words == words
