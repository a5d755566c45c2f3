"""How often a designed pair is right, by those that were judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.pairing.audit import Audit, AuditedPair

shares = st.floats(0.0, 1.0)


def judged(
    better: float, tie: float = 0.0, chosen: str = "strong", rejected: str = "weak"
) -> AuditedPair:
    return AuditedPair(
        chosen_model=chosen,
        rejected_model=rejected,
        better=better,
        tie=tie,
        score_chosen=0.8,
        score_rejected=0.4,
    )


@given(st.lists(st.tuples(shares, shares), max_size=30))
def test_a_figure_is_a_probability_inside_its_interval(found: list[tuple[float, float]]) -> None:
    audit = Audit(judged(better, (1 - better) * tie) for better, tie in found)
    one = audit.all
    assert 0.0 < one.low < one.better < one.high < 1.0
    assert one.better + one.tie <= 1.0
    assert one.pairs == len(found)


def test_nothing_judged_shows_nothing() -> None:
    audit = Audit([])
    assert audit.all.better == pytest.approx(1 / 3), "better, tied and worse are as likely"
    assert not audit.all.holds
    assert not audit.of(("strong", "weak")).holds


@pytest.mark.parametrize(("cases", "holds"), [(5, False), (8, True), (30, True)])
def test_it_takes_some_clear_cases_to_show_that_one_is_better(cases: int, holds: bool) -> None:
    assert Audit([judged(1.0)] * cases).all.holds is holds


def test_a_judge_that_cannot_tell_shows_nothing_however_often_it_is_asked() -> None:
    audit = Audit([judged(0.42, 0.16)] * 1000)
    assert audit.all.better == pytest.approx(0.42, abs=0.01)
    assert not audit.all.holds


def test_ties_are_no_wins() -> None:
    audit = Audit([judged(0.45, 0.5)] * 200)
    assert not audit.all.holds, "chosen is hardly ever worse, and seldom better"


def test_more_cases_make_the_interval_narrower() -> None:
    few, many = (Audit([judged(0.9)] * number).all for number in (10, 200))
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_two_writers_count_on_their_own_beside_what_all_show() -> None:
    good, bad = ("strong", "weak"), ("middle", "weak")
    audit = Audit(
        [
            *(judged(1.0, chosen=good[0]) for _ in range(40)),
            *(judged(0.1, chosen=bad[0]) for _ in range(40)),
        ]
    )
    assert audit.of(good).holds
    assert not audit.of(bad).holds
    assert audit.of(good).better > audit.all.better > audit.of(bad).better
    stranger = audit.of(("stranger", "weak"))
    assert stranger.pairs == 0
    assert stranger.better == pytest.approx(audit.all.better, abs=0.1)
    assert stranger.high - stranger.low > audit.all.high - audit.all.low


def test_where_only_two_writers_meet_they_are_all() -> None:
    audit = Audit([judged(0.9)] * 20)
    one = audit.of(("strong", "weak"))
    assert (one.better, one.low, one.high) == (audit.all.better, audit.all.low, audit.all.high)


def test_the_order_in_which_prompts_end_changes_no_bit() -> None:
    cases = [judged(k / 17, 0.01 * k, chosen=f"w{k % 3}") for k in range(17)]
    assert Audit(cases).figures() == Audit(reversed(cases)).figures()
