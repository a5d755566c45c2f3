"""The judgments of one prompt become cells (scores), comparisons and checks."""

from __future__ import annotations

import pytest

from judgeforge.ranking.evidence import read_evidence
from judgeforge.records import Judgment
from tests.support.judgments import both_orders, compared, listed, scored


def test_repeats_of_one_judge_about_one_completion_are_one_cell() -> None:
    evidence = read_evidence(
        [scored("j", "a", 0.5), scored("j", "a", 0.75, repeat=1), scored("k", "a", 0.0)]
    )
    assert [(cell.judge, cell.scores) for cell in evidence.cells] == [
        ("j", (0.5, 0.75)),
        ("k", (0.0,)),
    ]
    assert evidence.cells[0].mean == 0.625


def test_a_list_is_a_score_of_each_of_its_completions() -> None:
    evidence = read_evidence([listed("j", {"b": 0.9, "a": 0.1})], ["a", "b"])
    assert [(cell.place, cell.scores) for cell in evidence.cells] == [(0, (0.1,)), (1, (0.9,))]


def test_a_comparison_keeps_who_was_shown_first() -> None:
    one, other = read_evidence(both_orders("j", "a", "b", "a"), ["a", "b"]).comparisons
    assert (one.first, one.second, one.prefers_first) == (0, 1, 1.0)
    assert (other.first, other.second, other.prefers_second) == (1, 0, 1.0)


@pytest.mark.parametrize(("strength", "share"), [(None, 1.0), (1.0, 1.0), (0.5, 0.75), (0.0, 0.5)])
def test_a_hesitant_verdict_is_partly_a_tie(strength: float | None, share: float) -> None:
    (one,) = read_evidence([compared("j", "a", "b", "a", strength=strength)]).comparisons
    assert (one.prefers_first, one.tie) == (share, 1.0 - share)


def test_probabilities_count_as_they_are() -> None:
    told = compared("j", "a", "b", "a").model_copy(
        update={"probabilities": {"a": 0.5, "b": 0.2, "tie": 0.3}}
    )
    (one,) = read_evidence([told]).comparisons
    assert (one.prefers_first, one.prefers_second, one.tie) == (0.5, 0.2, 0.3)


def test_the_uncertainty_that_a_judge_states_is_kept() -> None:
    told = [
        scored("j", "a", 0.5).model_copy(update={"score_sd": sd, "repeat": i})
        for i, sd in enumerate((0.1, 0.3))
    ]
    assert read_evidence(told).cells[0].stated_variance == pytest.approx((0.01 + 0.09) / 2)


def test_a_completion_without_an_answer_is_left_out_of_the_ranking_but_can_be_asked_about() -> None:
    judgments = [scored("j", "a", 0.5), scored("j", "b", None)]
    assert read_evidence(judgments, ["a", "b"]).completion_ids == ("a",)
    kept = read_evidence(judgments, ["a", "b"], keep_unjudged=True)
    assert kept.completion_ids == ("a", "b")
    assert len(kept.cells) == 1


def test_the_order_of_judgments_does_not_matter() -> None:
    judgments: list[Judgment] = [
        scored("k", "b", 0.2),
        scored("j", "a", 0.5),
        *both_orders("m", "a", "b", "b"),
        listed("l", {"a": 0.3, "b": 0.4}),
    ]
    ids = ["a", "b"]
    assert read_evidence(judgments, ids) == read_evidence(judgments[::-1], ids)
