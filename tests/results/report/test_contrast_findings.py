"""What the page says where pairs are narrow, writers alike, or one is known by its style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from judgeforge.results.figures.run import RunFigures
from judgeforge.results.report.contrast_findings import alike, audit, narrow, records, style
from judgeforge.results.report.finding import ENOUGH, Finding
from tests.support.hand_made import manifest


def pair(chosen: str, rejected: str, **fields: Any) -> dict[str, Any]:
    return {
        "prompt_id": "p",
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "score_chosen": 0.9,
        "score_rejected": 0.4,
        "score_margin": 0.5,
        "confidence": 0.9,
        "p_tie": 0.0,
        "chosen_model": "strong",
        "rejected_model": "weak",
        "provenance": {"chosen_id": "c", "rejected_id": "r"},
        **fields,
    }


def figures(*pairs: dict[str, Any], times: int = ENOUGH) -> RunFigures:
    found = RunFigures()
    for one in pairs * times:
        found.pairs.add_prompt([one], [])
    return found


def texts(found: Sequence[Finding]) -> str:
    return " ".join(one.text for one in found)


def test_wide_pairs_of_different_writers_need_no_look() -> None:
    wide = figures(pair("a" * 50, "b" * 50))
    assert not list(narrow(manifest(), wide))
    assert not list(alike(manifest(), wide))


def test_a_rejected_side_that_is_nearly_as_good_is_told_once_there_are_enough() -> None:
    close = pair("a", "b", score_margin=0.04, score_rejected=0.86)
    assert not list(narrow(manifest(), figures(close, times=ENOUGH - 1)))
    (found,) = narrow(manifest(), figures(close))
    assert "within 0.04 of chosen (mean score of rejected 0.86)" in found.text
    assert "configs/delta.yaml" in found.advice


def test_writers_that_score_alike_are_told() -> None:
    found = RunFigures()
    for number in range(ENOUGH):
        found.completions.add_prompt(
            [
                {"model": name, "text": "x", "finish": "stop", "signs": [], "score": score}
                | {"duplicate_of": None, "id": f"{number}{name}"}
                for name, score in (("one", 0.70), ("two", 0.72))
            ]
        )
    (told,) = alike(manifest(), found)
    assert "All 2 writers score alike (means from 0.70 to 0.72)" in told.text
    found.completions.models["two"].score.add(-60.0)
    assert not list(alike(manifest(), found))


@pytest.mark.parametrize(
    ("chosen", "rejected", "sign"),
    [
        ("word " * 40, "word " * 10, "4.0 times as long"),
        ("# Title\n\n- one\n- two\n", "Title, one and two...", "100% of them have markdown"),
        ("Here you are: it is.", "I'm sorry, but I can", "of the others' 100%"),
    ],
)
def test_one_writer_that_always_wins_is_known_by_its_style(
    chosen: str, rejected: str, sign: str
) -> None:
    (found,) = style(manifest(), figures(pair(chosen, rejected)))
    assert "strong is chosen in 100% of its pairs" in found.text
    assert sign in found.text


def test_one_that_always_wins_without_a_style_of_its_own_is_told_too_unless_by_design() -> None:
    plain = figures(pair("one two three", "four five six"))
    (found,) = style(manifest(), plain)
    assert "may teach to tell its style apart" in found.text
    designed = manifest(config={"pairing": {"strategy": "delta"}})
    assert not list(style(designed, plain))


def test_an_audit_that_shows_nothing_says_what_to_change() -> None:
    shown = {"chosen_model": "a", "rejected_model": "b", "pairs": 40, "tie": 0.0}
    doubtful = manifest(audit=[shown | {"better": 0.6, "low": 0.45, "high": 0.73}])
    (found,) = audit(doubtful, RunFigures())
    assert "does not show that a is better than b" in found.text
    assert "larger pairing.audit" in found.advice
    wrong = manifest(audit=[shown | {"better": 0.3, "low": 0.2, "high": 0.42}])
    assert "Exchange the writers" in next(audit(wrong, RunFigures())).advice
    good = manifest(audit=[shown | {"better": 0.9, "low": 0.8, "high": 0.96}])
    assert not list(audit(good, RunFigures()))


def test_pairs_that_nobody_judged_are_told() -> None:
    nothing = {"judged": False, "pairs": 0, "better": None, "low": None, "high": None}
    found = figures(pair("a", "b", audit=nothing, confidence=0.5))
    assert "none of them was judged" in texts(list(audit(manifest(), found)))
    assert found.pairs.expected_wrong is None


def test_judges_that_disagree_about_writers_are_a_note() -> None:
    one = {"name": "a", "mean": 0.1, "mean_sd": 0.1, "spread": 0.2, "completions": 9}
    known = {"writers": [one], "writers_agreed": 0.3}
    assert "agree on 30%" in texts(list(records(manifest(reliability=known), RunFigures())))
    assert not list(records(manifest(reliability=known | {"writers_agreed": 0.8}), RunFigures()))
