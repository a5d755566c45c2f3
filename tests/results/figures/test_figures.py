"""What is counted of pairs, completions, criteria and calls."""

from __future__ import annotations

import pytest

from judgeforge.results.figures.calls import CallFigures
from judgeforge.results.figures.completions import CompletionFigures
from judgeforge.results.figures.criteria import CriterionFigures
from judgeforge.results.figures.pairs import PairFigures
from tests.support.result_rows import completion, judgment, pair, scored


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


def test_what_never_came_leaves_the_cost_of_the_others_known() -> None:
    figures = CompletionFigures()
    lost = {"finish": "failed", "failure": "HTTP 500", "cost_usd": None, "call": None}
    figures.add_prompt([completion(0, 0), completion(0, 0, **lost)])
    assert (figures.models["a"].completions, figures.models["a"].cost_usd) == (2, 0.5)


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
