"""A ranking becomes pairs, or the one reason why there is none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.confidence import probability_better
from judgeforge.ranking.pairing import STRATEGIES as STRATEGIES_BY_NAME
from judgeforge.ranking.pairing import selection
from judgeforge.ranking.pairing.selection import PairSelection
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.rules import PairingRules, Strategy
from judgeforge.records import SkipReason

STRATEGIES: tuple[Strategy, ...] = tuple(
    one
    for one in get_args(Strategy)
    if one != "delta"  # it takes sides by name: test_delta.py
)
A_TO_E = {"a": 0.9, "b": 0.75, "c": 0.5, "d": 0.45, "e": 0.1}


def ranked(scores: Mapping[str, float], *, sd: float = 0.1, prompt_id: str = "p") -> Ranking:
    size = len(scores)
    return Ranking(
        prompt_id=prompt_id,
        completion_ids=tuple(scores),
        scores=tuple(scores.values()),
        covariance=tuple(tuple(sd**2 if i == j else 0.0 for j in range(size)) for i in range(size)),
        p_best=tuple(1 / size for _ in range(size)),
    )


def select_pairs(
    ranking: Ranking, rules: PairingRules | None = None, **settings: Any
) -> PairSelection:
    """With completions of equal length, where nothing else is said."""
    texts = settings.pop("texts", dict.fromkeys(ranking.completion_ids, "same"))
    return selection.select_pairs(ranking, rules, texts=texts, **settings)


def sides(selection: PairSelection) -> list[str]:
    return [pair.chosen_id + pair.rejected_id for pair in selection.pairs]


scores = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=2), st.floats(0, 1), min_size=2, max_size=6
)
strategies = st.sampled_from(STRATEGIES)


@given(scores, strategies, st.integers(0, 9), st.one_of(st.none(), st.integers(1, 4)))
def test_chosen_always_has_the_higher_score(
    made: Mapping[str, float], strategy: Strategy, seed: int, most: int | None
) -> None:
    ranking = ranked(made)
    selection = select_pairs(ranking, strategy=strategy, seed=seed, pairs_per_prompt=most)
    assert bool(selection.pairs) == (selection.reason is None)
    assert most is None or len(selection.pairs) <= most
    for pair in selection.pairs:
        assert made[pair.chosen_id] == pair.score_chosen
        assert made[pair.rejected_id] == pair.score_rejected
        assert pair.score_margin == pair.score_chosen - pair.score_rejected > 0
        better = probability_better(ranking, pair.chosen_id, pair.rejected_id)
        assert pair.confidence == pytest.approx(better)
        assert 0.5 <= pair.confidence <= 1


def test_past_the_end_of_the_scale_the_better_completion_is_still_chosen() -> None:
    (pair,) = select_pairs(ranked({"a": 1.01, "b": 1.05, "c": -0.02})).pairs
    assert (pair.chosen_id, pair.rejected_id) == ("b", "c")
    assert (pair.score_chosen, pair.score_rejected, pair.score_margin) == (1.0, 0.0, 1.0)


def test_scores_that_are_written_as_equal_give_no_pair() -> None:
    assert select_pairs(ranked({"a": 1.01, "b": 1.05})).reason is SkipReason.TIE


@given(scores, strategies, st.data())
def test_the_order_of_completions_changes_no_pair(
    made: Mapping[str, float], strategy: Strategy, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(list(made)))
    shuffled = {name: made[name] for name in order}
    first = select_pairs(ranked(made), strategy=strategy)
    assert sides(first) == sides(select_pairs(ranked(shuffled), strategy=strategy))


@given(scores, strategies, st.integers(0, 9))
def test_no_pair_comes_twice(made: Mapping[str, float], strategy: Strategy, seed: int) -> None:
    selection = select_pairs(ranked(made), strategy=strategy, seed=seed)
    given_sides = {frozenset((pair.chosen_id, pair.rejected_id)) for pair in selection.pairs}
    assert len(given_sides) == len(selection.pairs)


@pytest.mark.parametrize(
    ("strategy", "pairs_per_prompt", "wanted"),
    [
        ("best_vs_worst", None, ["ae"]),
        ("best_vs_worst", 9, ["ae", "bd"]),
        ("all_pairs", None, ["".join(pair) for pair in combinations("abcde", 2)]),
        ("all_pairs", 2, ["ab", "ac"]),
        ("adjacent", None, ["ab", "bc", "cd", "de"]),
        ("adjacent", 3, ["ab", "bc", "cd"]),
        ("max_margin_k", None, ["ae"]),
        ("max_margin_k", 4, ["ae", "be", "ad", "ac"]),
        ("max_gap", None, ["ae"]),
        ("max_gap", 4, ["ae", "be", "ad", "ac"]),
        ("mu_minus_two_sigma", None, ["ae"]),
        ("mu_minus_two_sigma", 9, ["ae", "ad", "ac", "ab"]),
        ("length_matched", None, ["ae"]),
        ("length_matched", 2, ["ae", "be"]),
    ],
)
def test_each_strategy_names_its_pairs(
    strategy: Strategy, pairs_per_prompt: int | None, wanted: Sequence[str]
) -> None:
    rules = PairingRules(strategy=strategy, pairs_per_prompt=pairs_per_prompt)
    assert sides(select_pairs(ranked(A_TO_E), rules)) == wanted


def test_best_vs_worst_uses_each_completion_once() -> None:
    four = dict(list(A_TO_E.items())[:4])
    rules = PairingRules(strategy="best_vs_worst", pairs_per_prompt=9)
    assert sides(select_pairs(ranked(four), rules)) == ["ad", "bc"]


def test_a_strategy_that_names_the_worse_side_first_gives_the_same_pair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = STRATEGIES_BY_NAME["best_vs_worst"]
    turned = replace(
        known, propose=lambda *asked: [(b, a) for a, b in known.propose(*asked)], natural_number=1
    )
    wanted = select_pairs(ranked(A_TO_E))
    monkeypatch.setitem(STRATEGIES_BY_NAME, "best_vs_worst", turned)  # type: ignore[arg-type]
    assert select_pairs(ranked(A_TO_E)) == wanted


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_equal_scores_are_ordered_by_id_not_by_place(strategy: Strategy) -> None:
    made = {"a": 0.9, "b": 0.9, "c": 0.1, "d": 0.1}
    turned = dict(reversed(made.items()))
    wanted = sides(select_pairs(ranked(made), strategy=strategy))
    assert sides(select_pairs(ranked(turned), strategy=strategy)) == wanted


def test_best_vs_random_draws_one_of_the_others() -> None:
    drawn = [select_pairs(ranked(A_TO_E), strategy="best_vs_random", seed=s) for s in range(40)]
    assert {len(selection.pairs) for selection in drawn} == {1}
    assert {sides(selection)[0] for selection in drawn} == {"ab", "ac", "ad", "ae"}


def test_best_vs_random_draws_differently_for_each_prompt() -> None:
    rankings = [ranked(A_TO_E, prompt_id=f"p{n}") for n in range(40)]
    drawn = [sides(select_pairs(one, strategy="best_vs_random"))[0] for one in rankings]
    assert set(drawn) == {"ab", "ac", "ad", "ae"}


@pytest.mark.slow
def test_the_draw_is_the_same_in_every_process() -> None:
    script = (
        "from tests.ranking.pairing.test_selection import *\n"
        "rankings = [ranked(A_TO_E, prompt_id=f'p{n}') for n in range(12)]\n"
        "print([sides(select_pairs(r, strategy='best_vs_random', seed=7))[0] for r in rankings])\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    rankings = [ranked(A_TO_E, prompt_id=f"p{n}") for n in range(12)]
    here = [sides(select_pairs(r, strategy="best_vs_random", seed=7))[0] for r in rankings]
    assert printed == {f"{here}\n"}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("apart", [0.0, 5e-10])
def test_equal_scores_give_no_pair(strategy: Strategy, apart: float) -> None:
    made = {"a": 0.5, "b": 0.5 + apart, "c": 0.5}
    selection = select_pairs(ranked(made, sd=0.0), strategy=strategy)
    assert (selection.pairs, selection.reason) == ((), SkipReason.TIE)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_scores_just_apart_give_a_pair(strategy: Strategy) -> None:
    selection = select_pairs(ranked({"a": 0.5, "b": 0.5 + 2e-9}), strategy=strategy)
    assert sides(selection) == ["ba"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("made", [{}, {"a": 0.5}])
def test_fewer_than_two_completions_are_too_few(
    strategy: Strategy, made: Mapping[str, float]
) -> None:
    assert select_pairs(ranked(made), strategy=strategy).reason is SkipReason.TOO_FEW_JUDGED


def test_a_narrow_margin_is_named_with_its_width() -> None:
    selection = select_pairs(ranked({"a": 0.6, "b": 0.4}), min_margin=0.25)
    assert selection.reason is SkipReason.BELOW_MARGIN
    assert "0.200" in str(selection.detail)
    assert "0.25" in str(selection.detail)


def test_a_margin_as_wide_as_asked_is_wide_enough() -> None:
    assert 0.7 - 0.4 < 0.3, "the case is about floats that fall just short"
    assert sides(select_pairs(ranked({"a": 0.7, "b": 0.4}), min_margin=0.3)) == ["ab"]


def test_a_low_confidence_is_named_with_its_height() -> None:
    selection = select_pairs(ranked({"a": 0.6, "b": 0.5}), min_confidence=0.8)
    assert selection.reason is SkipReason.BELOW_CONFIDENCE
    assert "0.790" in str(selection.detail)


def test_a_wide_length_ratio_is_named_with_its_size() -> None:
    texts = {"a": "x" * 30, "b": "x" * 10}
    selection = select_pairs(ranked({"a": 0.6, "b": 0.4}), texts=texts, max_length_ratio=2.5)
    assert selection.reason is SkipReason.LENGTH_RATIO
    assert "3.00" in str(selection.detail)
    even = select_pairs(ranked({"a": 0.6, "b": 0.4}), texts=texts, max_length_ratio=3.0)
    assert sides(even) == ["ab"]


def test_an_empty_completion_has_a_length_ratio_too() -> None:
    texts = {"a": "xxx", "b": ""}
    selection = select_pairs(ranked({"a": 0.6, "b": 0.4}), texts=texts, max_length_ratio=2.0)
    assert selection.reason is SkipReason.LENGTH_RATIO


def test_the_next_proposal_stands_in_for_one_that_the_rules_refuse() -> None:
    texts = {"a": "x" * 10, "b": "x" * 10, "c": "x" * 10, "d": "x" * 10, "e": "x" * 99}
    selection = select_pairs(ranked(A_TO_E), texts=texts, max_length_ratio=2.0)
    assert sides(selection) == ["bd"]


@given(scores, strategies, st.floats(0, 1), st.floats(0, 1))
def test_every_pair_keeps_the_rules(
    made: Mapping[str, float], strategy: Strategy, margin: float, confidence: float
) -> None:
    rules = PairingRules(
        strategy=strategy, min_margin=margin, min_confidence=confidence, pairs_per_prompt=99
    )
    for pair in select_pairs(ranked(made), rules).pairs:
        assert pair.score_margin >= margin - 1e-9
        assert pair.confidence >= confidence


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "nearest"},
        {"min_confidence": 1.5},
        {"min_margin": -0.1},
        {"pairs_per_prompt": 0},
        {"max_length_ratio": 0.5},
        {"max_length_ratio": 2.0},  # without texts
        {"strategy": "length_matched"},  # without texts
        {"margin": 0.1},
        {"rules": PairingRules(), "seed": 1},
    ],
    ids=str,
)
def test_a_wrong_setting_is_a_value_error(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        selection.select_pairs(ranked(A_TO_E), **settings)  # type: ignore[arg-type]


class TestMaxGap:
    UNSURE = Ranking(
        prompt_id="p",
        completion_ids=("a", "b", "c", "d"),
        scores=(0.9, 0.8, 0.3, 0.1),
        covariance=(
            (0.01, 0.0, 0.0, 0.0),
            (0.0, 0.01, 0.0, 0.0),
            (0.0, 0.0, 0.01, 0.0),
            (0.0, 0.0, 0.0, 0.25),
        ),
        p_best=(0.7, 0.2, 0.05, 0.05),
    )

    def test_takes_the_widest_expected_gap_where_no_confidence_is_asked_for(self) -> None:
        assert sides(select_pairs(self.UNSURE, strategy="max_gap")) == ["ad"]

    def test_takes_the_gap_that_holds_with_the_confidence_asked_for(self) -> None:
        selection = select_pairs(self.UNSURE, strategy="max_gap", min_confidence=0.9)
        assert sides(selection) == ["ac"]
        assert selection.pairs[0].confidence >= 0.9

    def test_knows_errors_that_both_sides_share(self) -> None:
        """What the judge gets wrong of `a` and `d` alike leaves their gap sure."""
        shared = [list(row) for row in self.UNSURE.covariance]
        shared[0][0] = shared[3][3] = 0.25
        shared[0][3] = shared[3][0] = 0.245
        ranking = self.UNSURE.model_copy(update={"covariance": tuple(map(tuple, shared))})
        selection = select_pairs(ranking, strategy="max_gap", min_confidence=0.9)
        assert sides(selection) == ["ad"]

    def test_asks_for_certainty_where_all_is_certain(self) -> None:
        selection = select_pairs(ranked(A_TO_E, sd=0.0), strategy="max_gap", min_confidence=1.0)
        assert sides(selection) == ["ae"]

    @given(scores, st.floats(0.5, 0.99), st.floats(0.01, 0.4))
    def test_finds_a_pair_wherever_one_is_sure_enough(
        self, made: Mapping[str, float], confidence: float, sd: float
    ) -> None:
        ranking = ranked(made, sd=sd)
        surest = select_pairs(ranking, strategy="best_vs_worst")
        selection = select_pairs(ranking, strategy="max_gap", min_confidence=confidence)
        sure = surest.pairs and surest.pairs[0].confidence > confidence
        assert not sure or selection.pairs


class TestMuMinusTwoSigma:
    def test_rejects_the_worst_of_few(self) -> None:
        for size in range(2, 6):
            made = {f"c{n}": n / size for n in range(size)}
            (pair,) = select_pairs(ranked(made), strategy="mu_minus_two_sigma").pairs
            assert pair.rejected_id == "c0"

    def test_rejects_what_is_nearest_to_two_deviations_below_the_mean_of_many(self) -> None:
        # mean 0.5, sd 0.1: nearest to 0.3 is `low`, not the outlier at 0
        made = {f"m{n}": 0.5 + (0.08 if n % 2 else -0.08) for n in range(60)}
        made |= {"low": 0.31, "worst": 0.0, "best": 0.99}
        (pair,) = select_pairs(ranked(made), strategy="mu_minus_two_sigma").pairs
        assert (pair.chosen_id, pair.rejected_id) == ("best", "low")

    @given(st.dictionaries(st.text(min_size=1), st.floats(0, 1), min_size=6, max_size=40))
    def test_rejects_none_that_is_farther_from_the_target_than_another(
        self, made: Mapping[str, float]
    ) -> None:
        values = list(made.values())
        mean = sum(values) / len(values)
        target = mean - 2 * (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        for pair in select_pairs(ranked(made), strategy="mu_minus_two_sigma").pairs:
            others = [abs(v - target) for i, v in made.items() if i != pair.chosen_id]
            # equal scores give no pair, so that the very nearest may be left out
            near = [o for o in others if o < abs(pair.score_rejected - target) - 1e-9]
            assert not [o for o in near if o not in _tied_with_best(made, target)]


def _tied_with_best(made: Mapping[str, float], target: float) -> list[float]:
    most = max(made.values())
    return [abs(value - target) for value in made.values() if most - value < 1e-9]


class TestLengthMatched:
    TEXTS: Mapping[str, str] = {"a": "x" * 200, "b": "x" * 100, "c": "x" * 120, "d": "x" * 190}
    SCORES: Mapping[str, float] = {"a": 0.9, "b": 0.7, "c": 0.4, "d": 0.3}

    def test_takes_the_surest_pair_of_nearly_equal_length(self) -> None:
        selection = select_pairs(ranked(self.SCORES), strategy="length_matched", texts=self.TEXTS)
        assert sides(selection) == ["ad"]

    def test_takes_the_wider_gap_of_pairs_that_are_equally_sure(self) -> None:
        made = {"a": 0.9, "b": 0.8, "c": 0.2}
        assert sides(select_pairs(ranked(made, sd=0.0), strategy="length_matched")) == ["ac"]

    def test_takes_the_next_where_the_lengths_must_be_closer(self) -> None:
        shorter = {**self.TEXTS, "d": "x" * 150}
        selection = select_pairs(ranked(self.SCORES), strategy="length_matched", texts=shorter)
        assert sides(selection) == ["bc"]

    def test_names_the_ratio_where_no_pair_is_that_close(self) -> None:
        texts = {"a": "x" * 100, "b": "x" * 126}
        selection = select_pairs(
            ranked({"a": 0.9, "b": 0.1}), strategy="length_matched", texts=texts
        )
        assert selection.reason is SkipReason.LENGTH_RATIO
        assert "max_length_ratio is 1.25" in str(selection.detail)

    @given(scores, st.data(), st.one_of(st.none(), st.floats(1, 3)))
    def test_keeps_every_pair_within_the_ratio(
        self, made: Mapping[str, float], data: st.DataObject, ratio: float | None
    ) -> None:
        lengths = {name: data.draw(st.integers(1, 50)) for name in made}
        selection = select_pairs(
            ranked(made),
            strategy="length_matched",
            max_length_ratio=ratio,
            pairs_per_prompt=99,
            texts={name: "x" * length for name, length in lengths.items()},
        )
        for pair in selection.pairs:
            short, long = sorted((lengths[pair.chosen_id], lengths[pair.rejected_id]))
            assert long / short <= (ratio or 1.25)
