"""Required checks: no completion that fails one is ever chosen over one that passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.ranking.pairing import STRATEGIES
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import with_vetoes
from judgeforge.ranking.ranking import Ranking
from judgeforge.records import Judgment


def ranking(*scores: float, sd: float = 0.1) -> Ranking:
    number = len(scores)
    return Ranking(
        prompt_id="p",
        completion_ids=tuple(f"p.c{i}" for i in range(number)),
        scores=scores,
        covariance=tuple(
            tuple(sd**2 if i == k else 0.0 for k in range(number)) for i in range(number)
        ),
        p_best=tuple(1 / number for _ in scores),
    )


def checks(*failed: bool) -> list[Judgment]:
    return [
        Judgment(
            id=f"p.c{i}.checks",
            prompt_id="p",
            completion_ids=(f"p.c{i}",),
            judge="checks",
            protocol="checks",
            score=0.5,
            failed_required=("form",) if fails else (),
        )
        for i, fails in enumerate(failed)
    ]


def test_a_completion_that_fails_stands_below_all_that_pass() -> None:
    vetoed = with_vetoes(ranking(0.9, 0.4, 0.6, 0.8), checks(True, False, False, True))
    first, second, third, fourth = vetoed.scores
    assert (second, third) == (0.4, 0.6)
    assert fourth < first < second
    assert vetoed.p_best == (0.0, 0.5, 0.5, 0.0)
    assert vetoed.vetoed == ("p.c0", "p.c3")


def test_a_pair_across_the_line_is_certain_and_others_are_as_before() -> None:
    vetoed = with_vetoes(ranking(0.9, 0.5, 0.6), checks(True, False, False))
    selection = select_pairs(vetoed, strategy="all_pairs")
    pairs = {(pair.chosen_id, pair.rejected_id): pair for pair in selection.pairs}
    assert pairs["p.c1", "p.c0"].confidence == 1.0
    assert pairs["p.c2", "p.c0"].confidence == 1.0
    assert pairs["p.c2", "p.c1"].confidence == pytest.approx(0.79, abs=0.01)
    assert all(pair.score_margin > 0 for pair in pairs.values())


def test_the_surest_pairs_are_those_across_the_line() -> None:
    vetoed = with_vetoes(ranking(0.9, 0.05, 0.9), checks(False, False, True))
    texts = dict.fromkeys(vetoed.completion_ids, "same")
    selection = select_pairs(vetoed, strategy="length_matched", texts=texts, pairs_per_prompt=2)
    assert {pair.rejected_id for pair in selection.pairs} == {"p.c2"}


@pytest.mark.parametrize("failed", [(False, False), (True, True)])
def test_nothing_changes_where_all_or_none_fail(failed: tuple[bool, bool]) -> None:
    plain = ranking(0.9, 0.4)
    assert with_vetoes(plain, checks(*failed)) == plain


def test_vetoes_are_applied_once() -> None:
    judgments = checks(True, False)
    once = with_vetoes(ranking(0.9, 0.4), judgments)
    assert with_vetoes(once, judgments) == once


@given(
    st.lists(st.tuples(st.floats(-0.1, 1.1), st.booleans()), min_size=2, max_size=6),
    st.sampled_from(sorted(STRATEGIES.keys() - {"delta"})),
)
def test_no_strategy_chooses_one_that_fails_over_one_that_passes(
    completions: list[tuple[float, bool]], strategy: str
) -> None:
    scores, failed = zip(*completions, strict=True)
    vetoed = with_vetoes(ranking(*scores), checks(*failed))
    fails = {f"p.c{i}" for i, each in enumerate(failed) if each}
    texts = dict.fromkeys(vetoed.completion_ids, "text")
    for pair in select_pairs(vetoed, strategy=strategy, texts=texts).pairs:
        assert not (pair.chosen_id in fails and pair.rejected_id not in fails)
        assert pair.score_chosen > pair.score_rejected
    if 0 < len(fails) < len(failed):
        assert sum(vetoed.p_best) == pytest.approx(1)
