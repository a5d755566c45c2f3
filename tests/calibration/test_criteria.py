"""What labels show of criteria and weights: only what they can."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from judgeforge.calibration.criteria import CriteriaReport, ScoredPrompt, judge_criteria
from judgeforge.calibration.labels import Label

WEIGHTS = {"true": 1.0, "noise": 3.0, "always": 1.0, "wrong": 1.0}


def world(number: int, *, seed: int = 1) -> list[ScoredPrompt]:
    """People prefer what is higher in `true`, nearly always; `wrong` says the opposite."""
    drawn, found = random.Random(seed), []
    for n in range(number):
        a, b = drawn.random(), drawn.random()
        better = a + drawn.gauss(0, 0.05) > b
        scores = {
            f"p{n}.c0": {"true": a, "noise": drawn.random(), "always": 1.0, "wrong": 1 - a},
            f"p{n}.c1": {"true": b, "noise": drawn.random(), "always": 1.0, "wrong": 1 - b},
        }
        found.append(ScoredPrompt(Label.of(f"p{n}", f"p{n}.c{0 if better else 1}"), scores))
    return found


def says(report: CriteriaReport) -> Mapping[str, str]:
    return {one.name: one.says for one in report.criteria}


def test_criteria_are_told_apart_by_what_people_prefer() -> None:
    report = judge_criteria(world(100), WEIGHTS)
    assert says(report) == {
        "true": "tells apart",
        "noise": "not known",
        "always": "never differs",
        "wrong": "wrong side",
    }


def test_weights_that_hold_on_labels_not_seen_are_supported() -> None:
    report = judge_criteria(world(100), WEIGHTS)
    suggested = {one.name: one.suggested for one in report.criteria}
    assert report.supported
    assert (suggested["true"] or 0) > (suggested["noise"] or 0)
    assert suggested["wrong"] == 0
    assert suggested["always"] is None
    assert (report.held_out_suggested or 0) > (report.held_out_now or 0)


def test_weights_that_are_right_already_are_left_alone() -> None:
    drawn, prompts = random.Random(3), []
    for n in range(80):
        scores = {f"p{n}.c{i}": {"x": drawn.random(), "y": drawn.random()} for i in range(2)}
        liked = {name: each["x"] + each["y"] + drawn.gauss(0, 0.3) for name, each in scores.items()}
        prompts.append(ScoredPrompt(Label.of(f"p{n}", max(liked, key=liked.__getitem__)), scores))
    assert not judge_criteria(prompts, {"x": 1.0, "y": 1.0}).supported


def test_with_few_labels_it_says_that_it_cannot_know() -> None:
    report = judge_criteria(world(9), WEIGHTS)
    assert set(says(report).values()) == {"not known"}
    assert report.held_out_now is None
    assert all(one.suggested is None for one in report.criteria)


def test_a_fault_keeps_its_sign() -> None:
    faults = {"true": 1.0, "noise": -3.0}
    found = {one.name: one for one in judge_criteria(world(60), faults).criteria}
    assert (found["noise"].suggested or 0) <= 0


def test_labels_without_a_preference_tell_nothing() -> None:
    tie = ScoredPrompt(
        Label.tie("t", ["t.c0", "t.c1"]), {"t.c0": {"true": 1.0}, "t.c1": {"true": 0.0}}
    )
    report = judge_criteria([tie, *world(3)], {"true": 1.0})
    assert (report.prompts, report.ties) == (3, 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_labels_changes_nothing(seed: int) -> None:
    prompts = world(40, seed=seed)
    one, other = (judge_criteria(each, WEIGHTS) for each in (prompts, prompts[::-1]))
    assert says(one) == says(other)
    assert one.gain == pytest.approx(other.gain)
