"""One law says how likely one completion is better than another, wherever it is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from judgeforge.ranking.confidence import (
    best_probabilities,
    exceeded_gap,
    probabilities_better,
    probability_better,
)
from judgeforge.ranking.confidence_map import ConfidenceMap
from judgeforge.ranking.pairing.selection import Trust, select_pairs
from judgeforge.ranking.ranking import Ranking

ROUNDING = 2.0**-52
CLOSE = 1e-6
unit = st.floats(0.0, 1.0)
deviations = st.one_of(st.just(0.0), st.floats(1e-3, 0.5))
sureness = st.one_of(st.floats(0.5, 1.0), st.sampled_from([0.5, 0.9, 1.0 - 1e-12, 1.0]))


@st.composite
def confidence_maps(draw: st.DrawFn) -> ConfidenceMap:
    steps = st.lists(st.floats(0.05, 3.0), min_size=4, max_size=4)
    believed, true = (np.cumsum(draw(steps)) + draw(st.floats(-6.0, 1.0)) for _ in range(2))
    return ConfidenceMap(believed=tuple(believed.tolist()), true=tuple(true.tolist()))


@st.composite
def rankings(draw: st.DrawFn, size: int | None = None) -> Ranking:
    """With errors of their own and a shared one; what is vetoed stands below all others."""
    number = size or draw(st.integers(2, 5))
    scores = np.array(draw(st.lists(unit, min_size=number, max_size=number)))
    loads = np.array(draw(st.lists(st.floats(-0.3, 0.3), min_size=number, max_size=number)))
    doubtless = draw(st.booleans())
    own = np.array(draw(st.lists(deviations, min_size=number, max_size=number)))
    covariance = np.diag(own**2) + (0.0 if doubtless else 1.0) * np.outer(loads, loads)
    ids = tuple(f"c{place}" for place in range(number))
    vetoed = draw(st.lists(st.sampled_from(ids), unique=True, max_size=number - 1))
    passing = [score for name, score in zip(ids, scores, strict=True) if name not in vetoed]
    return Ranking(
        prompt_id="p",
        completion_ids=ids,
        scores=tuple(
            float(score) * (0.5 * min(passing) if name in vetoed else 1.0)
            for name, score in zip(ids, scores, strict=True)
        ),
        covariance=tuple(map(tuple, covariance.tolist())),
        p_best=tuple(1.0 / number for _ in ids),
        vetoed=tuple(name for name in ids if name in vetoed),
    )


@given(st.lists(st.tuples(st.floats(-1.0, 1.0), st.floats(1e-6, 1.0)), min_size=1, max_size=5))
def test_many_gaps_at_once_are_as_likely_as_each_on_its_own(
    made: list[tuple[float, float]],
) -> None:
    gaps, variances = (np.array(values) for values in zip(*made, strict=True))
    for (gap, variance), chance in zip(made, probabilities_better(gaps, variances), strict=True):
        assert chance == pytest.approx(probability_better(two(gap, variance), "a", "b"), abs=2e-7)


@given(st.floats(-1.0, 1.0), st.floats(1e-6, 1.0))
def test_of_two_the_better_is_the_best(gap: float, variance: float) -> None:
    ranking = two(gap, variance)
    best = best_probabilities(np.array(ranking.scores), np.array(ranking.covariance))
    assert best[0] == pytest.approx(probability_better(ranking, "a", "b"), abs=2e-7)


def two(gap: float, variance: float) -> Ranking:
    return Ranking(
        prompt_id="p",
        completion_ids=("a", "b"),
        scores=(gap, 0.0),
        covariance=((variance / 2, 0.0), (0.0, variance / 2)),
        p_best=(0.5, 0.5),
    )


@given(rankings())
def test_both_directions_sum_to_one_and_a_veto_is_certain(ranking: Ranking) -> None:
    for one in ranking.completion_ids:
        for other in set(ranking.completion_ids) - {one}:
            better = probability_better(ranking, one, other)
            assert better + probability_better(ranking, other, one) == pytest.approx(1.0)
            if other in ranking.vetoed and one not in ranking.vetoed:
                assert better == 1.0


@given(rankings(), sureness, st.none() | confidence_maps())
def test_a_pair_is_sure_enough_exactly_where_the_gap_that_its_sureness_leaves_is_positive(
    ranking: Ranking, least: float, confidence: ConfidenceMap | None
) -> None:
    assume(0.5 < least < 1.0)  # a map can leave a doubt in what was believed to the last digit
    wanted = least if confidence is None else max(0.5, confidence.believed_at(least))
    trust = Trust(confidence=confidence)
    for pair in select_pairs(ranking, strategy="all_pairs", trust=trust).pairs:
        gap = exceeded_gap(ranking, pair.chosen_id, pair.rejected_id, wanted)
        if abs(pair.confidence - least) > CLOSE * (1.0 - least) + ROUNDING:
            assert (gap >= 0.0) == (pair.confidence >= least)


@given(rankings(), sureness, st.none() | confidence_maps())
def test_max_gap_takes_the_widest_of_the_gaps_that_are_sure_enough(
    ranking: Ranking, least: float, confidence: ConfidenceMap | None
) -> None:
    trust = Trust(confidence=confidence)
    kept = select_pairs(ranking, strategy="all_pairs", min_confidence=least, trust=trust).pairs
    taken = select_pairs(ranking, strategy="max_gap", min_confidence=least, trust=trust).pairs
    assert bool(kept) == bool(taken)
    if taken:
        wanted = max(0.5, least if confidence is None else confidence.believed_at(least))
        gaps = [exceeded_gap(ranking, p.chosen_id, p.rejected_id, wanted) for p in (*taken, *kept)]
        assert gaps[0] == max(gaps)


def test_max_gap_measures_by_the_law_of_the_confidence_that_it_is_asked_for() -> None:
    """It leaves gaps of 0.045 to `b` and 0.054 to `c`, a normal one would leave 0.040 and 0.033."""
    ranking = Ranking(
        prompt_id="p",
        completion_ids=("a", "b", "c"),
        scores=(0.9, 0.796, 0.611),
        covariance=((0.0, 0.0, 0.0), (0.0, 0.0025, 0.0), (0.0, 0.0, 0.04)),
        p_best=(0.9, 0.05, 0.05),
    )
    assert probability_better(ranking, "a", "b") > probability_better(ranking, "a", "c") > 0.9
    (pair,) = select_pairs(ranking, strategy="max_gap", min_confidence=0.9).pairs
    assert pair.rejected_id == "c"


@given(confidence_maps(), st.floats(1e-4, 1.0 - 1e-4))
def test_what_must_be_believed_is_what_the_map_makes_the_wanted_of(
    confidence: ConfidenceMap, wanted: float
) -> None:
    believed = confidence.believed_at(wanted)
    assume(1e-5 < believed < 1.0 - 1e-5)
    assert confidence(believed) == pytest.approx(wanted)
    assert confidence.believed_at(0.0) == 0.0
    assert confidence.believed_at(1.0) == 1.0
