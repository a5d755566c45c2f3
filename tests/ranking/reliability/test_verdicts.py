"""Order flips, seats, ties and the best reader tell how much a pairwise judge counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.records import Judgment
from tests.support.judgments import both_orders, both_seats, compared

A, B = "a", "b"

Judge = Callable[[np.random.Generator, str, str], list[Judgment]]
"""Of the prompt and its right completion."""


def verdicts(prompts: int, **judges: Judge) -> list[list[Judgment]]:
    """The judgments of all judges on each prompt."""
    draw = np.random.default_rng(3)
    made = []
    for p in range(prompts):
        right = A if draw.random() < 0.5 else B
        made.append([one for judge in judges.values() for one in judge(draw, f"p{p}", right)])
    return made


def reader(name: str, right_share: float = 0.9) -> Judge:
    def judge(draw: np.random.Generator, prompt: str, right: str) -> list[Judgment]:
        wrong = B if right == A else A
        said = right if draw.random() < right_share else wrong
        return both_orders(name, A, B, said, prompt)

    return judge


def seated(name: str) -> Judge:
    return lambda draw, prompt, right: both_seats(name, A, B, prompt)


def coin(name: str) -> Judge:
    def judge(draw: np.random.Generator, prompt: str, right: str) -> list[Judgment]:
        said = [A if draw.random() < 0.5 else B for _ in range(2)]
        return [
            compared(name, A, B, said[0], prompt=prompt),
            compared(name, B, A, said[1], prompt=prompt),
        ]

    return judge


def weights(fitted: Reliability) -> dict[str, float]:
    return {judge.name: judge.discrimination for judge in fitted.judges}


def test_a_judge_that_follows_the_seats_gets_no_weight_and_its_seat_is_known() -> None:
    fitted = fit_reliability(verdicts(60, good=reader("good"), seat=seated("seat")))
    assert weights(fitted)["seat"] == 0.0
    assert weights(fitted)["good"] > 1.0
    assert fitted.of("seat").position > 1.0
    assert fitted.of("good").position == pytest.approx(0.0, abs=0.1)


def test_a_judge_that_throws_a_coin_gets_hardly_any_weight() -> None:
    fitted = fit_reliability(verdicts(100, good=reader("good"), coin=coin("coin")))
    assert weights(fitted)["coin"] < 0.1 * weights(fitted)["good"]


def test_consistent_judges_that_contradict_the_best_reader_get_no_weight() -> None:
    def often_seated(name: str, right_share: float) -> Judge:
        judge, seat = reader(name, right_share), seated(name)
        return lambda draw, prompt, right: (judge if draw.random() < 0.8 else seat)(
            draw, prompt, right
        )

    made = verdicts(
        100,
        good=reader("good"),
        helpful=often_seated("helpful", 0.85),
        fooled=often_seated("fooled", 0.2),
    )
    found = weights(fit_reliability(made))
    assert found["good"] > found["helpful"] > 0.3
    assert found["fooled"] == 0.0


def test_few_pairs_stay_near_the_prior() -> None:
    found = weights(fit_reliability(verdicts(6, good=reader("good", 1.0), seat=seated("seat"))))
    for discrimination in found.values():
        assert 0.5 * PRIOR.others.discrimination < discrimination < 2 * PRIOR.others.discrimination


def test_a_judge_asked_in_one_order_keeps_the_prior_weight() -> None:
    made = [[compared("j", A, B, A, prompt=f"p{p}")] for p in range(50)]
    assert weights(fit_reliability(made))["j"] == PRIOR.others.discrimination


def test_no_judge_counts_as_perfect() -> None:
    found = weights(fit_reliability(verdicts(1000, good=reader("good", 1.0))))
    assert 2.0 < found["good"] < 6.0


def test_ties_widen_the_band_of_ties() -> None:
    made = [both_orders("j", A, B, None, f"p{p}") for p in range(50)]
    often = fit_reliability(made).of("j").tie
    never = fit_reliability(verdicts(50, j=reader("j"))).of("j").tie
    assert often > PRIOR.others.tie > never


def test_the_order_of_prompts_and_judgments_does_not_matter() -> None:
    made = verdicts(40, good=reader("good"), coin=coin("coin"), seat=seated("seat"))
    assert fit_reliability(made) == fit_reliability([rows[::-1] for rows in reversed(made)])
