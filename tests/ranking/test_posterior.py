"""Scores, lists and comparisons make one posterior, which evidence moves the right way."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgeforge.ranking.confidence import probability_better
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability, Reliability
from judgeforge.records import Judgment
from tests.support.judgments import both_orders, both_seats, compared, listed, scored

CLOSE = 1e-7
NAMES = ("a", "b", "c")
unit = st.floats(0.0, 1.0)
winner = st.sampled_from(["first", "second", "tie"])


@st.composite
def mixed(draw: st.DrawFn) -> list[Judgment]:
    """At least scores of all, so that all are ranked."""
    made = [scored("s", name, draw(unit)) for name in NAMES]
    made += [scored("t", name, draw(unit)) for name in draw(st.sets(st.sampled_from(NAMES)))]
    if draw(st.booleans()):
        made.append(listed("l", {name: draw(unit) for name in NAMES}))
    for repeat in range(draw(st.integers(0, 4))):
        first, second = draw(st.permutations(NAMES))[:2]
        won = {"first": first, "second": second, "tie": None}[draw(winner)]
        made.append(compared("p", first, second, won, repeat=repeat))
    return made


def told(ranking: Ranking) -> dict[str, tuple[float, float]]:
    return {
        name: (ranking.scores[i], ranking.p_best[i])
        for i, name in enumerate(ranking.completion_ids)
    }


@given(mixed(), st.permutations(NAMES), st.randoms(use_true_random=False))
def test_permuting_completions_and_judgments_changes_only_the_order(
    made: list[Judgment], order: list[str], random: object
) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    plain, other = rank(made, completion_ids=NAMES), rank(shuffled, completion_ids=order)
    assert other.completion_ids == tuple(order)
    for name, (score, best) in told(plain).items():
        assert told(other)[name] == (
            pytest.approx(score, abs=CLOSE),
            pytest.approx(best, abs=CLOSE),
        )


@given(mixed(), st.sampled_from(["b", "c"]), st.booleans())
def test_one_more_verdict_for_a_completion_never_lowers_it(
    made: list[Judgment], other: str, shown_first: bool
) -> None:
    pair = ("a", other) if shown_first else (other, "a")
    before = rank(made, completion_ids=NAMES)
    after = rank([*made, compared("q", *pair, "a")], completion_ids=NAMES)
    assert told(after)["a"][0] >= told(before)["a"][0] - CLOSE
    assert probability_better(after, "a", other) >= probability_better(before, "a", other) - CLOSE


@given(mixed(), unit)
def test_a_higher_score_in_mixed_evidence_never_lowers_a_completion(
    made: list[Judgment], score: float
) -> None:
    raised = [made[0].model_copy(update={"score": max(score, made[0].score or 0.0)}), *made[1:]]
    before, after = (told(rank(one, completion_ids=NAMES))["a"] for one in (made, raised))
    assert after[0] >= before[0] - CLOSE
    assert after[1] >= before[1] - 1e-4


@given(mixed())
def test_the_posterior_of_mixed_evidence_is_a_distribution(made: list[Judgment]) -> None:
    ranking = rank(made, completion_ids=NAMES)
    assert sum(ranking.p_best) == pytest.approx(1.0)
    for i, row in enumerate(ranking.covariance):
        assert row[i] > 0
        assert row == pytest.approx([ranking.covariance[k][i] for k in range(len(NAMES))])


@given(
    st.lists(unit, min_size=2, max_size=2),
    st.integers(1, 9),
    st.lists(st.sampled_from(["a", "b", None]), max_size=9),
)
@example([1.0, 1.0], 9, ["a"] * 9)
@example([0.0, 0.0], 9, ["a"] * 9)
def test_of_two_the_chosen_is_the_best_as_surely_as_it_is_better(
    scores: list[float], judges: int, winners: list[str | None]
) -> None:
    """Also where verdicts push a quality past the end of the scale that scores have reached."""
    made = [
        scored(f"s{i}", name, score)
        for i in range(judges)
        for name, score in zip("ab", scores, strict=True)
    ]
    made += [compared(f"p{i}", "a", "b", won) for i, won in enumerate(winners)]
    for pair in select_pairs(rank(made)).pairs:
        assert pair.confidence == pytest.approx(pair.p_best, abs=CLOSE)
        assert 0.0 <= pair.score_rejected < pair.score_chosen <= 1.0


def test_verdicts_alone_rank_in_their_order() -> None:
    made = [*both_orders("p", "a", "b", "a"), *both_orders("p", "b", "c", "b")]
    ranking = rank(made, completion_ids=NAMES)
    assert ranking.scores[0] > ranking.scores[1] > ranking.scores[2]


@pytest.mark.parametrize("judges", [1, 10, 25, 60])
def test_many_clear_verdicts_against_clear_scores_win_in_the_end(judges: int) -> None:
    sure = Reliability(others=JudgeReliability(discrimination=4.0))
    scores = [scored("s", "a", 0.05), scored("s", "b", 0.95)]

    def lead(count: int) -> float:
        verdicts = [compared(f"p{k}", "a", "b", "a") for k in range(count)]
        ranking = rank([*scores, *verdicts], reliability=sure)
        return ranking.scores[0] - ranking.scores[1]

    assert lead(judges) > lead(judges - 1)
    assert lead(60) > 0


def test_a_judge_that_names_the_same_seat_twice_moves_nothing() -> None:
    ranking = rank(both_seats("p", "a", "b"))
    assert ranking.scores[0] == pytest.approx(ranking.scores[1])


def test_the_first_seat_counts_less_where_a_judge_is_known_to_favour_it() -> None:
    biased = Reliability(judges=(JudgeReliability(name="p", position=2.0),))

    def lead(reliability: Reliability, *pair: str) -> float:
        ranking = rank(
            [compared("p", *pair, "a")], completion_ids=["a", "b"], reliability=reliability
        )
        return ranking.scores[0] - ranking.scores[1]

    assert lead(biased, "a", "b") < lead(PRIOR, "a", "b")
    assert lead(biased, "b", "a") > lead(PRIOR, "b", "a")


def test_repeated_verdicts_of_one_judge_tell_less_than_those_of_several() -> None:
    alone = [compared("p", "a", "b", "a", repeat=r) for r in range(4)]
    panel = [compared(f"p{r}", "a", "b", "a") for r in range(4)]
    sure, surer = (probability_better(rank(one), "a", "b") for one in (alone, panel))
    assert surer > sure > probability_better(rank(alone[:1]), "a", "b")


def test_a_judge_without_discrimination_changes_nothing() -> None:
    deaf = Reliability(judges=(JudgeReliability(name="p", discrimination=0.0),))
    scores = [scored("s", "a", 0.4), scored("s", "b", 0.6)]
    with_it = rank([*scores, *both_orders("p", "a", "b", "a")], reliability=deaf)
    assert with_it.scores == pytest.approx(rank(scores, reliability=deaf).scores)


def test_lists_count_as_scores() -> None:
    scores = {"a": 0.9, "b": 0.2}
    one_by_one = rank([scored("j", name, score) for name, score in scores.items()])
    assert told(rank([listed("j", scores)])) == told(one_by_one)


@settings(max_examples=25)
@given(mixed())
def test_ranking_mixed_evidence_twice_gives_the_same_bits(made: list[Judgment]) -> None:
    assert rank(made) == rank(made)
