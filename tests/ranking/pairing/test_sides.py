"""Pairs whose sides are from the writers that are named, of any strategy."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from judgeforge.ranking.pairing.selection import PairSelection, select_pairs
from judgeforge.ranking.pairing.sides import rejected_at_most, too_alike
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules, Strategy
from judgeforge.records import Completion, Judgment, SkipReason

STRATEGIES: tuple[Strategy, ...] = tuple(
    one
    for one in get_args(Strategy)
    if one != "delta"  # its rules restrict more: test_delta.py
)
SCORES = {"s1": 0.9, "w1": 0.8, "s2": 0.6, "w2": 0.3, "x1": 0.1}
WRITERS = {"s1": "strong", "s2": "strong", "w1": "weak", "w2": "weak", "x1": "other"}


def ranked(scores: dict[str, float]) -> Ranking:
    size = len(scores)
    return Ranking(
        prompt_id="p",
        completion_ids=tuple(scores),
        scores=tuple(scores.values()),
        covariance=tuple(tuple(0.01 if i == j else 0.0 for j in range(size)) for i in range(size)),
        p_best=tuple(1 / size for _ in range(size)),
    )


def select(scores: dict[str, float] | None = None, **settings: Any) -> PairSelection:
    scores = scores or SCORES
    settings = {"texts": dict.fromkeys(scores, "same"), "writers": WRITERS, **settings}
    return select_pairs(ranked(scores), **settings)


def sides(selection: PairSelection) -> list[str]:
    return [f"{pair.chosen_id}>{pair.rejected_id}" for pair in selection.pairs]


STRONG_OVER_WEAK = {"chosen_from": "strong", "rejected_from": "weak"}


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        ("best_vs_worst", ["s1>w2"]),
        ("all_pairs", ["s1>w1", "s1>w2", "s2>w2"]),
        ("adjacent", ["s1>w1", "s2>w2"]),
        ("max_margin_k", ["s1>w2"]),
        ("max_gap", ["s1>w2"]),
        ("mu_minus_two_sigma", ["s1>w2"]),
        ("length_matched", ["s1>w2"]),
    ],
)
def test_each_strategy_proposes_among_the_writers_of_the_sides(
    strategy: str, made: list[str]
) -> None:
    assert sides(select(strategy=strategy, **STRONG_OVER_WEAK)) == made


def test_more_pairs_of_a_prompt_use_each_completion_once() -> None:
    scores = {"s1": 0.9, "s2": 0.8, "w1": 0.5, "w2": 0.3}
    made = select(scores, **STRONG_OVER_WEAK, pairs_per_prompt=5)
    assert sides(made) == ["s1>w2", "s2>w1"]


def test_one_side_alone_can_be_named() -> None:
    assert sides(select(chosen_from="weak")) == ["w1>x1"]
    assert sides(select(rejected_from="strong")) == ["s1>s2"]
    assert sides(select(chosen_from="weak", rejected_from=["strong"])) == ["w1>s2"]


def test_a_group_stands_for_its_writers() -> None:
    groups = {"good": ["strong", "weak"]}
    assert sides(select(chosen_from="other", rejected_from="good", groups=groups)) == []
    assert sides(select(chosen_from="good", rejected_from="other", groups=groups)) == ["s1>x1"]


@given(
    scores=st.dictionaries(st.sampled_from([*WRITERS]), st.floats(0, 1), min_size=2),
    strategy=st.sampled_from(STRATEGIES),
    chosen=st.sets(st.sampled_from(["strong", "weak", "other"])),
    rejected=st.sets(st.sampled_from(["strong", "weak", "other"])),
    barred=st.sets(st.sampled_from([*WRITERS])),
)
def test_no_pair_breaks_what_is_said_of_its_sides(
    scores: dict[str, float],
    strategy: Strategy,
    chosen: set[str],
    rejected: set[str],
    barred: set[str],
) -> None:
    rules = PairingRules(
        strategy=strategy, chosen_from=tuple(chosen), rejected_from=tuple(rejected)
    )
    made = select(scores, rules=rules, not_chosen=sorted(barred))
    for pair in made.pairs:
        assert not chosen or WRITERS[pair.chosen_id] in chosen
        assert not rejected or WRITERS[pair.rejected_id] in rejected
        assert pair.chosen_id not in barred
        assert pair.score_chosen > pair.score_rejected
    assert made.pairs or made.reason in {SkipReason.WRONG_WRITERS, SkipReason.TIE}


@pytest.mark.parametrize(
    ("settings", "detail"),
    [
        ({"chosen_from": "nobody"}, "no judged completion of `nobody` may be the chosen side"),
        ({"rejected_from": "nobody"}, "no judged completion of `nobody` may be the rejected side"),
        (
            {"chosen_from": "other", "rejected_from": "strong"},
            "no completion that may be chosen (`other`) is better than one that may be rejected "
            "(`strong`)",
        ),
        ({"not_chosen": [*SCORES]}, "no judged completion may be the chosen side"),
    ],
)
def test_a_prompt_without_such_a_pair_says_why(settings: dict[str, Any], detail: str) -> None:
    made = select(**settings)
    assert (made.reason, made.detail) == (SkipReason.WRONG_WRITERS, detail)


def test_a_chosen_side_below_the_floor_makes_no_pair() -> None:
    assert sides(select(min_chosen_score=0.9)) == ["s1>x1"]
    made = select(min_chosen_score=0.95)
    assert made.reason is SkipReason.BELOW_CHOSEN_SCORE
    assert made.detail == "the highest score of a chosen side is 0.900, min_chosen_score is 0.95"
    assert sides(select(strategy="adjacent", min_chosen_score=0.6)) == ["s1>w1", "w1>s2", "s2>w2"]


def test_filters_can_concern_the_chosen_side_alone() -> None:
    blank = Completion(id="c", prompt_id="p", index=0, model="m", text="", finish="stop")
    completions = [
        blank.model_copy(update={"id": "whole"}),
        blank.model_copy(update={"id": "cut", "finish": "length"}),
        blank.model_copy(update={"id": "unsure", "finish": "unknown"}),
        blank.model_copy(update={"id": "sly", "signs": ("verdict",)}),
    ]
    rules = PairingRules(filter_chosen_only=True)
    assert rejected_at_most(completions, rules) == ["cut", "unsure"]
    rules = PairingRules(filter_chosen_only=True, reject_suspicious=True)
    assert rejected_at_most(completions, rules) == ["cut", "unsure", "sly"]
    assert rejected_at_most(completions, PairingRules(reject_suspicious=True)) == []
    assert sides(select(not_chosen=["s1"])) == ["w1>x1"]


def test_sides_that_differ_by_too_many_tokens_make_no_pair() -> None:
    texts = {"s1": "a" * 400, "w1": "\u00e9" * 100, "s2": "a" * 360, "w2": "a" * 8, "x1": ""}
    made = select(strategy="all_pairs", texts=texts, max_token_difference=10)
    assert sides(made) == ["s1>s2", "w2>x1"], "tokens are a quarter of the bytes"
    made = select(strategy="all_pairs", texts=texts, max_token_difference=1)
    assert made.reason is SkipReason.TOKEN_DIFFERENCE
    assert made.detail == ("the smallest difference is about 2 tokens, max_token_difference is 1")
    with pytest.raises(ValueError, match="`max_token_difference` needs `texts`"):
        select_pairs(ranked(SCORES), max_token_difference=5)


def test_writers_are_needed_where_sides_are_named() -> None:
    with pytest.raises(ValueError, match="need `writers`"):
        select_pairs(ranked(SCORES), chosen_from="strong")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"groups": {"good": []}}, "names no writer"),
        ({"groups": {"good": ["bad"], "bad": ["a"]}}, "which is a group"),
        ({"groups": {"good": ["a"]}, "chosen_from": "goof"}, "names the group `good`"),
    ],
)
def test_groups_that_mean_nothing_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PairingRules.model_validate(settings)
    assert message in str(refused.value)


def test_rules_that_are_not_set_are_not_written() -> None:
    new = {"chosen_from", "rejected_from", "groups", "min_chosen_score", "filter_chosen_only"}
    assert not new & set(PairingRules().model_dump(mode="json"))
    rules = PairingRules(chosen_from=("a",), min_chosen_score=0.5, groups={}, strategy="adjacent")
    assert PairingRules.model_validate(rules.model_dump(mode="json")) == rules


class TestAnswersThatAreNearlyTheSame:
    @pytest.mark.parametrize("strategy", STRATEGIES)
    def test_are_no_pair_of_any_strategy(self, strategy: Strategy) -> None:
        alike = [frozenset({"s1", "x1"}), frozenset({"s1", "w1"})]
        found = select(strategy=strategy, alike=alike, pairs_per_prompt=10)
        assert found.pairs
        assert not {frozenset({one.chosen_id, one.rejected_id}) for one in found.pairs} & {*alike}

    def test_leave_the_next_best_pair(self) -> None:
        found = select(alike=[frozenset({"s1", "x1"})])
        assert sides(found) == ["s1>w2"]

    def test_alone_end_the_prompt_as_alike(self) -> None:
        scores = {"a": 0.9, "b": 0.1}
        found = select(scores, alike=[frozenset({"a", "b"})], writers={"a": "m", "b": "m"})
        assert found.reason is SkipReason.ALIKE
        assert found.reason.was_ranked
        assert not found.reason.is_failure

    def test_are_a_pair_where_code_tells_them_apart(self) -> None:
        completions = [
            Completion(
                id=name,
                prompt_id="p",
                index=0,
                model="m",
                text="",
                finish="stop",
                near_duplicate_of=near,
            )
            for name, near in (("a", None), ("b", "a"), ("c", "a"), ("d", None))
        ]
        told = [
            Judgment(
                id=name,
                prompt_id="p",
                completion_ids=(name,),
                judge="checks",
                protocol="checks",
                score=score,
            )
            for name, score in (("a", 1.0), ("b", 0.0), ("c", 0.0), ("d", 0.0))
        ]
        assert too_alike(completions, told) == [frozenset({"b", "c"})]
        assert len(too_alike(completions, [])) == 3
