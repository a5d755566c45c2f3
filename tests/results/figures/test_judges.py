"""What is counted of the judges, and whom each prefers."""

from __future__ import annotations

import pytest

from judgeforge.results.figures.judges import JudgeFigures, preference, preferences_by_judge
from judgeforge.results.figures.shortlist import disagreement
from tests.support.result_rows import figures_of, judgment, pair, scored


class TestJudges:
    def test_scores_comparisons_and_lists_tell_who_is_preferred(self) -> None:
        told = preferences_by_judge(
            [
                judgment("scores", "a", score=0.9),
                judgment("scores", "b", score=0.2),
                judgment("scores", "b", score=0.4),
                judgment("compares", "ba", verdict="a", strength=0.5),
                judgment("compares", "ab", verdict="tie", strength=0.0),
                judgment("lists", "ba", scores=[0.1, 0.7]),
                judgment("code", "a", protocol="checks", score=0.0),
                judgment("silent", "a", missing="refused"),
            ]
        )
        assert {name: preference(each, "a", "b") for name, each in told.items()} == {
            "scores": pytest.approx(0.6),
            "compares": pytest.approx(-0.25),
            "lists": pytest.approx(0.6),
        }
        assert preference(told["scores"], "b", "a") == pytest.approx(-0.6)
        assert preference(told["scores"], "a", "c") is None

    def test_of_many_completions_those_in_pairs_are_compared_and_then_the_first(self) -> None:
        rows = [judgment("x", [f"p.c{i}"], score=i / 20) for i in range(20)]
        told = preferences_by_judge(rows, {"p.c17", "p.c3"})["x"]
        compared = {name for both in told for name in both}
        assert compared == {f"p.c{i}" for i in (*range(11), 17)}
        assert preference(told, "p.c17", "p.c3") == pytest.approx(0.7)
        assert preference(told, "p.c2", "p.c10") == pytest.approx(-0.4)

    def test_judges_that_disagree_about_a_late_completion_are_seen(self) -> None:
        figures = figures_of(
            1,
            pairs={"provenance": {"chosen_id": "p0.c13", "rejected_id": "p0.c9"}},
            judgments=lambda number: [
                scored(judge, number, place, abs(place - worst) / 20)
                for judge, worst in (("x", 0), ("y", 13))
                for place in range(14)
            ],
        )
        (picked,) = figures.shortlist.picked()
        assert "judges disagree most" in picked.reasons

    def test_agreement_is_about_what_both_tell_apart(self) -> None:
        figures = JudgeFigures()
        for mine, other in ((0.9, 0.8), (0.9, 0.1), (0.9, 0.5)):
            rows = [scored("x", 0, 0, mine), scored("x", 0, 1, 0.5)]
            figures.add_prompt([*rows, scored("y", 0, 0, other), scored("y", 0, 1, 0.5)])
        agreement = figures.agreement_of("y", "x")
        assert (agreement.same, agreement.different, agreement.share) == (1, 1, 0.5)

    def test_tells_why_judgments_are_missing_and_what_they_cost(self) -> None:
        figures = JudgeFigures()
        reasons = ("the judge refused: no", "call failed: HTTP 500", "no verdict found", None)
        figures.add_prompt([scored("x", 0, 0, 0.5, missing=reason) for reason in reasons])
        judge = figures.judges["x"]
        assert dict(judge.missing) == {"refused": 1, "failed": 1, "unread": 1}
        assert (judge.missing_share, judge.cost_usd) == (0.75, 1.0)
        figures.add_prompt([scored("x", 0, 0, 0.5, cost_usd=None)])
        assert judge.cost_usd is None

    def test_counts_verdicts_for_the_first_shown(self) -> None:
        figures = JudgeFigures()
        verdicts = ("a", "a", "b", "tie")
        figures.add_prompt([judgment("x", "ab", verdict=verdict) for verdict in verdicts])
        assert figures.judges["x"].first_share == pytest.approx(2 / 3)

    def test_judges_disagree_when_one_prefers_rejected(self) -> None:
        sides = ("p0.c0", "p0.c1")
        for one, other, apart in ((0.5, -0.3, 0.8), (0.5, 0.1, None), (-0.2, -0.1, 0.1)):
            told = {"x": {sides: one}, "y": {sides: other}}
            found = disagreement(pair(), told)
            assert found == (apart if apart is None else pytest.approx(apart))
        assert disagreement(pair(), {"x": {sides: -1.0}}) is None


def test_a_judgment_that_says_nothing_tells_nothing() -> None:
    told = preferences_by_judge([judgment("x", "a"), judgment("x", "b", score=0.5)])
    assert preference(told["x"], "a", "b") is None
