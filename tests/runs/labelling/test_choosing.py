"""Which answers are shown: evenly spread at every stop, on drawn sides, some of them twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.runs.labelling.choosing import (
    LEAST_BETWEEN,
    Candidate,
    even_places,
    look_id,
    looks,
    shown_order,
    spread,
)


def candidates(number: int) -> list[Candidate]:
    return [
        Candidate(f"p{i}", (f"p{i}.c0", f"p{i}.c1"), 0.5 + i / (2 * number), i)
        for i in range(number)
    ]


@given(st.integers(0, 600))
def test_every_place_comes_once(number: int) -> None:
    assert sorted(even_places(number)) == list(range(number))


@given(st.integers(1, 600), st.data())
def test_each_beginning_is_spread_evenly(number: int, data: st.DataObject) -> None:
    """The greatest gap between neighbours is at most about four times the even one."""
    taken = data.draw(st.integers(1, number))
    places = sorted(even_places(number)[:taken])
    gaps = np.diff([-1, *places, number])
    assert gaps.max() <= 4 * max(1.0, number / taken)


@given(st.integers(1, 200), st.integers(0, 5))
def test_the_order_of_candidates_has_each_of_them_and_depends_on_the_seed_alone(
    number: int, seed: int
) -> None:
    given_order = candidates(number)
    found = spread(given_order, seed)
    assert sorted(one.prompt_id for one in found) == sorted(one.prompt_id for one in given_order)
    assert spread(given_order[::-1], seed) == found


def test_a_beginning_has_the_mean_confidence_of_all() -> None:
    every = candidates(1000)
    mean = np.mean([one.confidence for one in every])
    for seed in range(5):
        first = spread(every, seed)[:32]
        assert np.mean([one.confidence for one in first]) == pytest.approx(mean, abs=0.02)


def test_what_nobody_has_judged_comes_behind_the_rest_in_a_drawn_order() -> None:
    unjudged = [Candidate(f"u{i}", ("x", "y")) for i in range(20)]
    found = spread([*unjudged, *candidates(5)], 0)
    assert all(one.confidence is not None for one in found[:5])
    assert [one.prompt_id for one in found[5:]] != [one.prompt_id for one in unjudged]


@given(st.integers(1, 60), st.floats(0, 1))
def test_each_candidate_is_shown_once_and_the_share_a_second_time_later(
    number: int, again: float
) -> None:
    found = looks(candidates(number), number, again=again, seed=0)
    first = [one.candidate.prompt_id for one in found if not one.repeat]
    second = [one.candidate.prompt_id for one in found if one.repeat]
    assert len(set(first)) == len(first) == number
    assert len(set(second)) == len(second)
    assert abs(len(second) - again * number) <= 0.5 + 1e-9
    place = {one.id: i for i, one in enumerate(found)}
    assert len(place) == len(found)
    for one in found:
        if one.repeat:
            before = place[look_id(one.candidate.prompt_id, one.shown, 0)]
            rest = len(found) - before
            assert place[one.id] - before >= min(LEAST_BETWEEN, 1) or rest <= LEAST_BETWEEN
            assert place[one.id] > before


@given(st.integers(20, 60))
def test_a_second_look_has_others_in_between_where_there_are_enough(number: int) -> None:
    found = looks(candidates(number), number, again=0.2, seed=0)
    place = {(one.candidate.prompt_id, one.repeat): i for i, one in enumerate(found)}
    early = [name for name, repeat in place if repeat and place[name, 0] + LEAST_BETWEEN < number]
    assert all(place[name, 1] - place[name, 0] >= LEAST_BETWEEN for name in early)


@given(st.integers(1, 40), st.integers(0, 40))
def test_more_labels_keep_every_look_of_fewer(number: int, more: int) -> None:
    every = candidates(80)
    few = {one.id for one in looks(every, number, again=0.1, seed=0)}
    many = {one.id for one in looks(every, number + more, again=0.1, seed=0)}
    assert few <= many


def test_either_side_is_as_often_left() -> None:
    left = [shown_order(one, 0)[0].endswith("c0") for one in candidates(2000)]
    assert 0.46 < np.mean(left) < 0.54


def test_sides_do_not_depend_on_which_one_the_run_prefers() -> None:
    one = Candidate("p", ("p.c0", "p.c1"), 0.9)
    other = Candidate("p", ("p.c1", "p.c0"), 0.6)
    assert shown_order(one, 3) == shown_order(other, 3)


def test_a_second_look_shows_the_other_order() -> None:
    first, second = looks(candidates(1), 1, again=1.0, seed=0)
    assert second.shown == first.shown[::-1]
    assert second.id != first.id
