"""Two completions have three outcomes, whose probabilities follow from the gap and its doubt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.confidence import exceeded_gap, outcome, probability_better
from judgeforge.ranking.outcomes import Outcome
from judgeforge.ranking.ranking import GapPrior, Ranking

CLOSE = 1e-9
shares = st.floats(0.0, 0.6)
priors = st.builds(
    GapPrior,
    sds=st.floats(0.05, 0.5).map(lambda sd: (sd, sd, sd)),
    close_prompts=shares,
    close_pairs=shares,
    equal=st.floats(0.0, 1.0),
    shared=st.floats(0.0, 0.4),
    doubt=st.sampled_from([0.0, 0.15, 0.8]),
    useless=st.sampled_from([0.0, 0.4]),
)
gaps = st.floats(-0.9, 0.9)
errors = st.floats(0.01, 0.6)
"""Of each quality, as a share of what was expected of it."""


def ranking(prior: GapPrior, gap: float, error: float, size: int = 2) -> Ranking:
    scores = (0.5 + gap / 2.0, 0.5 - gap / 2.0, 0.5)[:size]
    variance = (error * prior.sds[0]) ** 2
    names = ("a", "b", "c")[:size]
    return Ranking(
        prompt_id="p",
        completion_ids=names,
        scores=scores,
        covariance=tuple(tuple(variance * (one == other) for other in names) for one in names),
        p_best=tuple(1.0 / size for _ in names),
        prior=prior.model_copy(update={"sds": prior.sds[:size]}),
    )


@given(priors, gaps, errors, st.sampled_from([2, 3]))
def test_the_three_probabilities_sum_to_one_and_none_is_outside(
    prior: GapPrior, gap: float, error: float, size: int
) -> None:
    found = outcome(ranking(prior, gap, error, size), "a", "b")
    assert sum(found) == pytest.approx(1.0, abs=CLOSE)
    assert all(-CLOSE <= one <= 1.0 + CLOSE for one in found)


@given(priors, gaps, errors, st.sampled_from([2, 3]))
def test_exchanging_the_two_exchanges_better_and_worse(
    prior: GapPrior, gap: float, error: float, size: int
) -> None:
    of = ranking(prior, gap, error, size)
    assert outcome(of, "b", "a") == pytest.approx(outcome(of, "a", "b").turned, abs=CLOSE)


@given(priors, gaps, gaps, errors)
def test_a_wider_gap_never_makes_worse_likelier(
    prior: GapPrior, one: float, other: float, error: float
) -> None:
    narrow, wide = sorted((one, other))
    less = outcome(ranking(prior, narrow, error), "a", "b")
    more = outcome(ranking(prior, wide, error), "a", "b")
    assert more.better >= less.better - CLOSE
    assert more.worse <= less.worse + CLOSE


@given(priors, gaps, gaps, errors)
def test_a_tie_is_likeliest_where_there_is_no_gap(
    prior: GapPrior, one: float, other: float, error: float
) -> None:
    narrow, wide = sorted((abs(one), abs(other)))
    near, far = (outcome(ranking(prior, gap, error), "a", "b") for gap in (narrow, wide))
    assert near.tie >= far.tie - CLOSE


@given(priors, gaps, errors, st.floats(0.5, 0.99))
def test_the_gap_that_is_exceeded_is_positive_where_the_pair_is_sure_enough(
    prior: GapPrior, gap: float, error: float, wanted: float
) -> None:
    of = ranking(prior, gap, error)
    better, bound = probability_better(of, "a", "b"), exceeded_gap(of, "a", "b", wanted)
    if abs(better - wanted) > 1e-6:
        assert (bound >= -CLOSE) == (better >= wanted)


def test_close_completions_are_mostly_ties_and_far_ones_hardly_ever() -> None:
    prior = GapPrior(sds=(0.2, 0.2, 0.2), close_prompts=0.1, close_pairs=0.15)
    near, far = (outcome(ranking(prior, gap, 0.2), "a", "b") for gap in (0.0, 0.4))
    assert near.tie > 0.3
    assert far.tie < 0.001
    assert far.better > 0.99


def test_doubt_about_the_judges_makes_no_pair_sure() -> None:
    sure = GapPrior(sds=(0.2, 0.2, 0.2))
    doubted, unknown = (
        sure.model_copy(update=one) for one in ({"doubt": 0.8}, {"doubt": 0.8, "useless": 0.4})
    )
    found = [outcome(ranking(p, 0.3, 0.5), "a", "b").better for p in (sure, doubted, unknown)]
    assert found == sorted(found, reverse=True)
    assert outcome(ranking(unknown, 0.9, 0.1), "a", "b").better <= 0.8


def test_what_code_tells_apart_is_no_tie() -> None:
    prior = GapPrior(sds=(0.1, 0.1), exact=(0.0, 0.1), close_prompts=0.3, close_pairs=0.3)
    assert outcome(ranking(prior, 0.1, 0.3), "a", "b").tie == 0.0


def test_what_code_decides_is_sure_whatever_the_judge_is_worth() -> None:
    prior = GapPrior(sds=(0.02, 0.02), exact=(0.45, 0.0), doubt=0.8, useless=0.4)
    assert outcome(ranking(prior, 0.45, 0.5), "a", "b").better > 0.99
    near = prior.model_copy(update={"exact": (0.01, 0.0), "sds": (0.2, 0.2)})
    assert outcome(ranking(near, 0.9, 0.1), "a", "b").better < 0.85


def test_exact_scores_that_are_equal_are_a_tie() -> None:
    exact = ranking(GapPrior(sds=(0.2, 0.2)), 0.0, 0.0)
    assert outcome(exact, "a", "b") == Outcome(0.0, 1.0, 0.0)
