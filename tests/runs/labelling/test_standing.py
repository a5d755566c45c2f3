"""What is said of the labels so far, in words, and which labels count."""

from __future__ import annotations

import pytest

from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment
from judgeforge.runs.labelling.label_line import Given
from judgeforge.runs.labelling.standing import Standing, labelled, rules_of

SHOWN = ("p.c0", "p.c1")


def given(said: str, *, repeat: int = 0) -> Given:
    return Given("look", "p", SHOWN, said, "human:a", repeat)


def scored(name: str, score: float | None) -> Judgment:
    missing = {"missing": "failed", "missing_kind": "failed"} if score is None else {}
    return Judgment(
        id=f"{name}.j",
        prompt_id="p",
        completion_ids=(name,),
        judge="j",
        protocol="pointwise",
        score=score,
        **missing,
    )


BOTH = (scored("p.c0", 0.9), scored("p.c1", 0.2), scored("p.c2", 0.5))


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (Standing(0, 0, 0.05, False), "No label yet."),
        (Standing(1, 0, 0.05, False), "1 label. No judge has compared these answers yet."),
        (Standing(7, 7, 0.05, False), "7 labels: from 20 on, this line says what they promise."),
        (
            Standing(37, 37, 0.05, False, 0.61),
            "37 labels: at most 5 % wrong keeps 61 % of such pairs.",
        ),
        (
            Standing(37, 37, 0.025, True, 0.3),
            "37 labels: certified: at most 2.5 % wrong keeps 30 % of such pairs.",
        ),
        (
            Standing(37, 37, 0.05, False, 0.0),
            "37 labels: at most 5 % wrong cannot be promised of any pair yet.",
        ),
    ],
)
def test_the_words(standing: Standing, words: str) -> None:
    assert standing.in_words() == words


def test_labels_without_a_judgment_are_told_apart() -> None:
    said = Standing(40, 25, 0.05, False, 0.5).in_words()
    assert said == "40 labels (25 of them judged): at most 5 % wrong keeps 50 % of such pairs."


def test_a_label_counts_where_both_answers_are_judged() -> None:
    found = labelled(given("1"), BOTH, {})
    assert found is not None
    assert found.evidence.completion_ids == SHOWN
    assert found.label.preferred == ["p.c1"]


def test_a_tie_is_a_half_of_either() -> None:
    found = labelled(given("tie"), BOTH, {})
    assert found is not None
    assert found.label.is_tie


@pytest.mark.parametrize(
    ("one", "judgments"),
    [
        (given("cannot_tell"), BOTH),
        (given("0", repeat=1), BOTH),
        (given("0"), BOTH[:1]),
        (given("0"), (BOTH[0], scored("p.c1", None))),
        (given("0"), ()),
    ],
    ids=["cannot tell", "a second look", "one side", "one side failed", "nobody"],
)
def test_what_does_not_count(one: Given, judgments: tuple[Judgment, ...]) -> None:
    assert labelled(one, judgments, {}) is None


def test_the_promise_is_that_of_the_configuration_or_the_usual_one() -> None:
    assert rules_of(None).max_error == 0.05
    certified = PairingRules(max_error=0.02, guarantee="certified")
    assert rules_of(certified) == certified
    assert rules_of(certified, 0.1).max_error == 0.1
