"""Criteria verified by code become one exact judgment of each completion."""

from __future__ import annotations

import pytest

from judgeforge.judging.verification import run_checks
from judgeforge.records import Judgment
from tests.support.fake_asks import make_completion, make_prompt, make_rubric

BRIEF = {"name": "brief", "weight": 1, "check": {"max_words": 3}}
FORM = {"name": "form", "weight": 3, "check": {"starts_with": "yes", "ends_with": "."}}
ROW = {"name": "asked_for", "weight": 2, "check": {"from_metadata": "checks"}}
ASKED = {"name": "safe", "yes_no": "Is it safe?"}


def judge(text: str, *criteria: dict[str, object], **row: object) -> Judgment:
    judgment = run_checks(
        make_rubric(criteria=list(criteria)), make_prompt(**row), make_completion(text)
    )
    assert judgment is not None
    return judgment


def test_a_rubric_without_checks_gives_no_judgment() -> None:
    rubric = make_rubric(criteria=[ASKED])
    assert run_checks(rubric, make_prompt(), make_completion()) is None


def test_a_judgment_names_itself_and_costs_nothing() -> None:
    judgment = judge("Yes.", BRIEF, ASKED)
    assert (judgment.id, judgment.prompt_id, judgment.completion_ids) == (
        "p1.c0.checks",
        "p1",
        ("p1.c0",),
    )
    assert (judgment.judge, judgment.protocol, judgment.call) == ("checks", "checks", None)
    assert judgment.cost_usd == 0


def test_a_criterion_scores_the_share_of_its_checks_that_pass() -> None:
    assert judge("Yes.", FORM).criteria == {"form": 1.0}
    assert judge("Yes", FORM).criteria == {"form": 0.5}
    assert judge("No", FORM).criteria == {"form": 0.0}


def test_the_score_is_the_mean_weighted_by_the_checked_criteria_alone() -> None:
    judgment = judge("Yes it is so", BRIEF, FORM, {**ASKED, "weight": 100})
    assert judgment.criteria == {"brief": 0.0, "form": 0.5}
    assert judgment.score == pytest.approx(0.375)
    assert judgment.weight == 4


def test_the_rationale_lists_what_failed() -> None:
    assert judge("Yes.", BRIEF, FORM).rationale == "all checks passed"
    rationale = judge("No it is not", BRIEF, FORM).rationale
    assert rationale == 'failed: max_words: 3; starts_with: "yes"; ends_with: "."'


def test_a_row_brings_its_own_checks_in_its_metadata() -> None:
    row = {"metadata": {"checks": {"contains": "light", "max_words": 2}}}
    assert judge("Light", ROW, **row).score == 1.0
    assert judge("Light and dark", ROW, **row).score == 0.5


@pytest.mark.parametrize("metadata", [{}, {"checks": None}, {"checks": {}}, {"other": 1}])
def test_a_row_without_checks_leaves_nothing_to_fail(metadata: dict[str, object]) -> None:
    assert judge("anything", ROW, metadata=metadata).score == 1.0


@pytest.mark.parametrize(
    ("checks", "reason"),
    [
        ({"max_word": 3}, "did you mean `max_words`"),
        ({"max_words": "3"}, "must be a whole number"),
        (["max_words"], "must be a mapping"),
        ("max_words", "must be a mapping"),
        ({"from_metadata": "checks"}, "`from_metadata` is not a check"),
    ],
)
def test_bad_checks_in_a_row_make_the_judgment_missing_with_the_reason(
    checks: object, reason: str
) -> None:
    judgment = judge("Yes.", BRIEF, ROW, metadata={"checks": checks})
    assert judgment.missing is not None
    assert "criterion `asked_for`: the row's metadata `checks`" in judgment.missing
    assert reason in judgment.missing
    assert (judgment.score, judgment.criteria) == (None, {})


def test_a_check_that_cannot_decide_makes_the_judgment_missing() -> None:
    judgment = judge("Yes.", {"name": "right", "check": {"equals_reference": True}}, BRIEF)
    assert judgment.missing == (
        "criterion `right`: check `equals_reference`: the row has no `reference`"
    )
    assert judgment.score is None


def test_checks_see_the_reference_of_the_row() -> None:
    right = {"name": "right", "check": {"equals_reference": True}}
    assert judge("4", right, reference="4").score == 1.0
    assert judge("5", right, reference="4").score == 0.0


def test_a_check_that_rubric_and_row_both_state_is_named_once() -> None:
    judgment = judge("It is so indeed", BRIEF, ROW, metadata={"checks": {"max_words": 3}})
    assert judgment.criteria == {"brief": 0.0, "asked_for": 0.0}
    assert judgment.rationale == "failed: max_words: 3"


def test_names_the_required_criteria_that_are_not_kept() -> None:
    required = {**FORM, "required": True}
    assert judge("Yes.", required, BRIEF).failed_required == ()
    assert judge("No and no and no", required, BRIEF).failed_required == ("form",)
    assert judge("No and no and no", FORM, BRIEF).failed_required == ()


def test_what_cannot_be_decided_fails_nothing_that_is_required() -> None:
    right = {"name": "right", "check": {"equals_reference": True}, "required": True}
    judgment = judge("Yes.", right)
    assert (judgment.score, judgment.failed_required) == (None, ())
