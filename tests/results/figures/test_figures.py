"""The numbers of the report, and what it says of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.criteria import CriterionFigures
from judgeforge.results.figures.distribution import Values
from judgeforge.results.figures.judges import JudgeFigures, preference, preferences_by_judge
from judgeforge.results.figures.pairs import PairFigures
from judgeforge.results.figures.rows import Group, PromptRows
from judgeforge.results.figures.run import RunFigures, run_figures
from judgeforge.results.figures.shortlist import REASONS, disagreement
from judgeforge.results.report.findings import ENOUGH, findings

Row = dict[str, Any]


def pair(number: int = 0, chosen: int = 20, rejected: int = 20, **fields: Any) -> Row:
    return {
        "id": f"p{number}.p0",
        "prompt_id": f"p{number}",
        "chosen": [{"role": "assistant", "content": "c" * chosen}],
        "rejected": [{"role": "assistant", "content": "r" * rejected}],
        "score_chosen": 0.8,
        "score_rejected": 0.3,
        "score_margin": 0.5,
        "confidence": 0.9,
        "chosen_model": "a",
        "rejected_model": "b",
        "provenance": {"chosen_id": f"p{number}.c0", "rejected_id": f"p{number}.c1"},
        **fields,
    }


def completion(number: int, place: int, **fields: Any) -> Row:
    name = f"p{number}.c{place}"
    usual = {"model": "ab"[place], "finish": "stop", "flags": [], "cost_usd": 0.5, "p_best": 0.6}
    return {"id": name, "prompt_id": f"p{number}", **usual, **fields}


def scored(judge: str, number: int, place: int, score: float, **fields: Any) -> Row:
    row = judgment(judge, [f"p{number}.c{place}"], score=score)
    return {**row, **fields}


def judgment(judge: str, completions: Sequence[str], **fields: Any) -> Row:
    usual = {"protocol": "pointwise", "score": None, "missing": None, "cost_usd": 0.25}
    return {"judge": judge, "completion_ids": list(completions), **usual, **fields}


def figures_of(
    number: int, *, pairs: Row | None = None, judgments: Any = None, **fields: Any
) -> RunFigures:
    """So many prompts with a pair each; ``pairs`` and ``fields`` change pairs and completions."""
    figures = RunFigures()
    for n in range(number):
        name = f"p{n}"
        figures.add_prompt(
            PromptRows(
                name,
                Group(name, 0, [completion(n, 0, **fields), completion(n, 1, **fields)]),
                Group(name, 0, judgments(n) if judgments else []),
                Group(name, 0, [pair(n, **(pairs or {}))]),
            )
        )
    return figures


class TestPairs:
    def test_expects_as_many_wrong_pairs_as_their_confidence_leaves(self) -> None:
        figures = PairFigures()
        for number, confidence in enumerate((0.6, 0.8, 1.0)):
            figures.add_prompt([pair(number, confidence=confidence)], [completion(number, 0)])
        assert figures.expected_wrong == pytest.approx(0.2)
        assert figures.expected_not_best == pytest.approx(0.4)
        assert figures.with_least(0.8) == (2, pytest.approx(0.1))

    def test_compares_the_lengths_of_both_sides(self) -> None:
        figures = PairFigures()
        for chosen, rejected in ((40, 10), (20, 10), (10, 10), (0, 8), (30, 10)):
            figures.add_prompt([pair(chosen=chosen, rejected=rejected)], [])
        assert (figures.chosen_longer, figures.same_length, figures.pairs) == (3, 1, 5)
        assert figures.median_ratio == pytest.approx(2.0)

    def test_counts_wins_against_other_models_only(self) -> None:
        figures = PairFigures()
        for chosen, rejected in ("ab", "ab", "ba", "aa"):
            figures.add_prompt([pair(chosen_model=chosen, rejected_model=rejected)], [])
        assert figures.wins() == {"a": (2, 1), "b": (1, 2)}

    def test_of_nothing_nothing_is_known(self) -> None:
        figures = PairFigures()
        assert (figures.expected_wrong, figures.median_ratio, figures.longer_share) == (None,) * 3
        assert figures.with_least(0.5) == (0, None)


def test_completions_are_counted_by_the_model_that_wrote_them() -> None:
    figures = CompletionFigures()
    text = {"text": "x" * 10}
    figures.add_prompt(
        [
            completion(0, 0, score=0.8, **text),
            completion(0, 0, score=0.4, p_best=0.2, **text, flags=["duplicate:p0.c0"]),
            completion(0, 0, finish="length", score=None, p_best=None, cost_usd=None),
            completion(0, 1, finish="given", flags=["suspicious:verdict", "cut"]),
        ]
    )
    a, b = figures.models["a"], figures.models["b"]
    assert (a.completions, a.unfinished, a.cost_usd) == (3, 1, None)
    assert (a.score.mean, a.p_best) == (pytest.approx(0.6), pytest.approx(0.8))
    assert (b.unfinished, b.cost_usd, b.score.mean) == (0, 0.5, None)
    assert (figures.duplicates, dict(figures.suspicious)) == (1, {"suspicious:verdict": 1})


def test_criteria_are_compared_over_the_sides_of_pairs() -> None:
    figures = CriterionFigures()
    for number, (chosen, rejected) in enumerate(((0.9, 0.3), (0.5, 0.5), (0.2, 0.6))):
        rows = [
            scored("x", number, 0, 0.5, criteria={"good": chosen, "only": 1.0}),
            scored("y", number, 0, 0.5, criteria={"good": chosen}),
            scored("x", number, 1, 0.5, criteria={"good": rejected}),
            judgment("z", (f"p{number}.c0", f"p{number}.c1"), verdict="b", criteria={"good": 0.0}),
        ]
        figures.add_prompt([pair(number)], rows)
    good = figures.criteria["good"]
    assert set(figures.criteria) == {"good"}
    assert (good.pairs, good.for_chosen, good.equal, good.against) == (3, 1, 1, 1)
    assert good.chosen / good.pairs == pytest.approx((0.9 + 0.5 + 0.2) / 3)


class TestValues:
    @given(st.lists(st.integers(-1000, 1000), min_size=1), st.floats(0, 1))
    def test_a_quantile_is_a_value_that_the_share_does_not_exceed(
        self, numbers: list[int], share: float
    ) -> None:
        values = Values()
        for number in numbers:
            values.add(number)
        found = values.quantile(share)
        assert found in numbers
        assert sum(number <= found for number in numbers) >= share * len(numbers) - 1e-9

    @given(st.lists(st.floats(-2, 2, allow_nan=False)))
    def test_a_histogram_counts_each_value_once(self, numbers: list[float]) -> None:
        values = Values()
        for number in numbers:
            values.add(number)
        assert sum(values.histogram(0.0, 1.0, 7).counts) == len(numbers)

    @pytest.mark.parametrize(("value", "place"), [(0.5, 0), (0.55, 2), (0.975, 19), (1.0, 19)])
    def test_a_value_on_an_edge_counts_upwards(self, value: float, place: int) -> None:
        values = Values()
        values.add(value)
        assert values.histogram(0.5, 1.0, 20).counts.index(1) == place


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
        kinds = ("refused", "cut", "unread")
        missing = [{"missing": "call failed: HTTP 500", "missing_kind": kind} for kind in kinds]
        figures.add_prompt([scored("x", 0, 0, 0.5, **fields) for fields in (*missing, {})])
        judge = figures.judges["x"]
        assert dict(judge.missing) == {"refused": 1, "cut": 1, "unread": 1}
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


def test_calls_are_counted_by_model_with_their_failures() -> None:
    figures = CallFigures()
    call = {"event": "call", "model": "m", "attempt": 1, "outcome": "stop", "latency_s": 1.0}
    reply = {"input_tokens": 10, "output_tokens": 5, "cost_usd": 0.5}
    figures.add({"event": "run_started"})
    figures.add({**call, "status": 429, "outcome": "StatusError"})
    figures.add({**call, "outcome": "NoReplyError"})
    figures.add({**call, **reply, "attempt": 3})
    figures.add({**call, **reply, "latency_s": 3.0})
    figures.add({"event": "circuit_opened", "model": "m"})
    model = figures.models["m"]
    assert (model.attempts, model.replies, model.repeats, model.rate_limited) == (4, 2, 1, 1)
    assert dict(model.failures) == {"HTTP 429": 1, "NoReplyError": 1}
    assert (model.input_tokens, model.output_tokens, model.cost_usd) == (20, 10, 1.0)
    assert model.latency_s.quantiles((0.5, 1.0)) == [1.0, 3.0]
    assert (figures.starts, dict(figures.events)) == (1, {"circuit_opened": 1})


class TestShortlist:
    def test_shows_each_kind_once_with_its_reasons(self) -> None:
        def judged(n: int) -> list[Row]:
            scores = (0.1, 0.9) if n == 7 else (0.9, 0.1)
            says = [scored("x", n, 0, 0.8), scored("x", n, 1, 0.2)]
            return [*says, scored("y", n, 0, scores[0]), scored("y", n, 1, scores[1])]

        figures = figures_of(300, judgments=judged)
        place = figures.shortlist.picked()[0].place
        odd = {
            "unsure": pair(1000, confidence=0.51),
            "long": pair(1001, chosen=9_000, rejected=9_000),
            "ratio": pair(1002, chosen=400, rejected=20),
        }
        for one in odd.values():
            where = type(place)(one["id"], 0, 0, 0, 0)
            figures.shortlist.add(one, where, [], {})
        flagged = [completion(1003, 0, flags=["suspicious:verdict"])]
        where = type(place)("p1003.p0", 0, 0, 0, 0)
        figures.shortlist.add(pair(1003), where, flagged, {})
        reasons = {one.place.pair_id: one.reasons for one in figures.shortlist.picked()}
        assert reasons["p1003.p0"][0] == "chosen carries a sign of being written for the judge"
        assert reasons["p1000.p0"][0] == "least sure"
        assert reasons["p1001.p0"] == ("longest",)
        assert reasons["p1002.p0"][0] == "chosen is many times longer"
        assert "judges disagree most" in reasons["p7.p0"]
        drawn = [why for why in reasons.values() if "drawn at random" in why]
        assert len(drawn) == REASONS["drawn at random"]


class TestFindings:
    def said(self, figures: RunFigures, **manifest: Any) -> str:
        known = {"calibration": {}, **manifest}
        return " ".join(one.text for one in findings(known, figures) if one.level == "look")

    def test_a_run_in_which_nothing_is_odd_says_nothing(self) -> None:
        assert self.said(figures_of(ENOUGH, pairs={"confidence": 0.97, "chosen_model": "b"})) == ""

    @pytest.mark.parametrize(
        ("figures", "words"),
        [
            (lambda n: figures_of(n, pairs={"confidence": 0.7}), "30.0% of the pairs are expected"),
            (lambda n: figures_of(n, pairs={"chosen": 30}), "Chosen is the longer side in 100%"),
            (lambda n: figures_of(n, pairs={"chosen": 5}), "Chosen is the shorter side in 100%"),
            (figures_of, "a is chosen in 100% of its pairs"),
            (lambda n: figures_of(n, finish="length"), "100% of the completions of a did not end"),
            (lambda n: figures_of(n, flags=["duplicate:x"]), "100% of the completions repeat"),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        scored("x", i, place, 0.5, criteria={"brief": float(place)})
                        for place in (0, 1)
                    ],
                ),
                f"Criterion brief speaks for rejected more often than for chosen ({ENOUGH} to 0",
            ),
            (
                lambda n: figures_of(
                    n, judgments=lambda i: [scored("x", i, 0, 0.5, missing="no verdict")]
                ),
                "Judge x gave no judgment in 100%",
            ),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        judgment("x", (f"p{i}.c0", f"p{i}.c1"), verdict="a", strength=1.0)
                    ],
                ),
                "Judge x prefers the answer that is shown first in 100%",
            ),
            (
                lambda n: figures_of(
                    n,
                    judgments=lambda i: [
                        scored(judge, i, place, float(place == best))
                        for judge, best in (("x", 0), ("y", 1))
                        for place in (0, 1)
                    ],
                ),
                "Judges x and y order the same two answers alike in 0%",
            ),
        ],
    )
    def test_what_is_far_from_usual_is_said_once_there_are_enough_cases(
        self, figures: Any, words: str
    ) -> None:
        assert words in self.said(figures(ENOUGH))
        if "expected" not in words:
            assert words not in self.said(figures(ENOUGH // 4))

    def test_one_sign_of_a_completion_for_the_judge_is_enough(self) -> None:
        figures = figures_of(1, flags=["suspicious:verdict"])
        assert "2 signs of completions that were written for the judge" in self.said(figures)

    def test_failed_prompts_and_ties(self) -> None:
        totals = {"prompts": 100, "skips": {"call_failed": 6, "tie": 30, "below_margin": 9}}
        said = self.said(RunFigures(), totals=totals)
        assert "6 of 100 prompts failed (6%)" in said
        assert "In 30% of the prompts the judges cannot tell" in said

    def test_requests_without_a_reply(self) -> None:
        figures = RunFigures()
        for _ in range(ENOUGH):
            figures.calls.add(
                {"event": "call", "model": "m", "attempt": 1, "outcome": "E", "status": 429}
            )
        assert "100% of the requests to m brought no reply (most often HTTP 429" in self.said(
            figures
        )


def test_rows_that_somebody_put_in_another_order_are_still_counted_once(tmp_path: Path) -> None:
    def write(name: str, rows: Sequence[Row]) -> None:
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    write("pairs", [pair(1), pair(0), pair(2)])
    write("completions", [completion(0, 0), completion(1, 0), completion(2, 0)])
    write("judgments", [{**scored("x", n, 0, 0.5), "prompt_id": f"p{n}"} for n in (2, 0, 1)])
    figures = run_figures(tmp_path)
    assert figures.pairs.pairs == 3
    assert figures.judges.judges["x"].judgments == 3
    assert sum(model.completions for model in figures.completions.models.values()) == 3


def test_a_judgment_that_says_nothing_tells_nothing() -> None:
    told = preferences_by_judge([judgment("x", "a"), judgment("x", "b", score=0.5)])
    assert preference(told["x"], "a", "b") is None
