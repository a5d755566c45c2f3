"""Judgments of one prompt become scores with an uncertainty that evidence moves the right way."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.ranking.confidence import probability_better
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.records import Judgment

CLOSE = 1e-7

NO_SHARED_ERROR = PRIOR.model_copy(update={"shared_error": 0.0})

Answers = Mapping[tuple[str, str], Sequence[float]]
"""(judge, completion) -> that judge's scores of it, one a repeat."""

unit = st.floats(0.0, 1.0)


@st.composite
def answers(draw: st.DrawFn, *, most_repeats: int = 3) -> dict[tuple[str, str], list[float]]:
    completions = draw(st.integers(2, 4))
    judges = draw(st.integers(1, 3))
    repeats = draw(st.integers(1, most_repeats))
    one = st.lists(unit, min_size=repeats, max_size=repeats)
    return {(f"j{j}", f"c{c}"): draw(one) for j in range(judges) for c in range(completions)}


def judged(
    score: float | None, completion: str = "c0", judge: str = "j0", repeat: int = 0, **more: object
) -> Judgment:
    fields: dict[str, object] = {
        "id": f"{completion}.{judge}.{repeat}",
        "prompt_id": "p",
        "completion_ids": (completion,),
        "judge": judge,
        "protocol": "pointwise",
        "repeat": repeat,
        "score": score,
    }
    return Judgment.model_validate(fields | more)


def checked(score: float, completion: str, weight: float = 1.0) -> Judgment:
    return judged(score, completion, "checks", protocol="checks", weight=weight)


def judgments(given_answers: Answers) -> list[Judgment]:
    return [
        judged(score, completion, judge, repeat)
        for (judge, completion), scores in given_answers.items()
        for repeat, score in enumerate(scores)
    ]


def by_id(ranking: Ranking) -> dict[str, tuple[float, float, float]]:
    """Mean, variance and p_best of each completion."""
    return {
        name: (ranking.scores[i], ranking.covariance[i][i], ranking.p_best[i])
        for i, name in enumerate(ranking.completion_ids)
    }


def same(first: Ranking, second: Ranking) -> bool:
    one, other = by_id(first), by_id(second)
    return one.keys() == other.keys() and all(
        one[name] == pytest.approx(other[name], abs=CLOSE) for name in one
    )


@pytest.mark.slow
@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_judgments_changes_only_the_order(made: Answers, random: object) -> None:
    asked = judgments(made)
    shuffled = list(asked)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(rank(asked), rank(shuffled))


@given(answers(), st.data())
def test_completions_come_in_the_order_asked_for(made: Answers, data: st.DataObject) -> None:
    plain = rank(judgments(made))
    order = data.draw(st.permutations(plain.completion_ids))
    ordered = rank(judgments(made), completion_ids=order)
    assert ordered.completion_ids == tuple(order)
    assert same(plain, ordered)


@given(answers(), st.data())
def test_a_higher_score_never_lowers_the_mean(
    made: dict[tuple[str, str], list[float]], data: st.DataObject
) -> None:
    before = by_id(rank(judgments(made)))["c0"]
    scores = made["j0", "c0"]
    made["j0", "c0"] = [data.draw(st.floats(scores[0], 1.0)), *scores[1:]]
    assert by_id(rank(judgments(made)))["c0"][0] >= before[0] - CLOSE


@given(answers(most_repeats=1), st.data())
def test_a_higher_score_of_the_only_judge_never_lowers_p_best(
    made: dict[tuple[str, str], list[float]], data: st.DataObject
) -> None:
    alone = {key: scores for key, scores in made.items() if key[0] == "j0"}
    before = by_id(rank(judgments(alone)))["c0"]
    alone["j0", "c0"] = [data.draw(st.floats(alone["j0", "c0"][0], 1.0))]
    assert by_id(rank(judgments(alone)))["c0"][2] >= before[2] - CLOSE


@given(answers(), unit)
def test_higher_scores_of_all_judges_never_lower_p_best(
    made: dict[tuple[str, str], list[float]], wanted: float
) -> None:
    """Together, so that how far judges agree, and with it the noise, stays as it was."""
    own = [
        score for (_, completion), scores in made.items() if completion == "c0" for score in scores
    ]
    rise = wanted * (1.0 - max(own))
    before = by_id(rank(judgments(made)))["c0"]
    for key in [key for key in made if key[1] == "c0"]:
        made[key] = [score + rise for score in made[key]]
    after = by_id(rank(judgments(made)))["c0"]
    assert after[0] >= before[0] - CLOSE
    assert after[2] >= before[2] - CLOSE


@given(unit, unit, st.integers(1, 5))
def test_more_judges_who_prefer_it_never_lower_what_they_prefer(
    one: float, other: float, judges: int
) -> None:
    praise, blame = max(one, other), min(one, other)

    def ask(count: int) -> float:
        made = {(f"j{j}", "c0"): [praise] for j in range(count)}
        made |= {(f"j{j}", "c1"): [blame] for j in range(count)}
        return by_id(rank(judgments(made)))["c0"][2]

    assert ask(judges + 1) >= ask(judges) - CLOSE


@given(st.lists(unit, min_size=8, max_size=8), unit)
def test_eight_repeats_of_one_judge_never_beat_eight_judges(
    scores: list[float], other: float
) -> None:
    alone = {("j0", "c0"): scores, ("j0", "c1"): [other] * 8}
    panel = {(f"j{j}", "c0"): [scores[j]] for j in range(8)}
    panel |= {(f"j{j}", "c1"): [other] for j in range(8)}
    repeated, independent = by_id(rank(judgments(alone))), by_id(rank(judgments(panel)))
    assert repeated["c0"][1] > independent["c0"][1]
    assert repeated["c1"][1] > independent["c1"][1]


def gap_variance(ranking: Ranking) -> float:
    """Of the difference between the first two completions."""
    cov = ranking.covariance
    return cov[0][0] + cov[1][1] - 2 * cov[0][1]


def test_what_a_judge_errs_by_lastingly_stays_however_often_it_is_asked() -> None:
    often = rank(judgments({("j0", "c0"): [0.7] * 1000, ("j0", "c1"): [0.4] * 1000}))
    judge = PRIOR.others
    known = 1 / (2 * PRIOR.quality_sd**2) + 1 / (2 * judge.own_sd**2)
    assert gap_variance(often) >= 1 / known


def test_repeats_still_tell_something() -> None:
    once, often = ({("j0", "c0"): [0.8] * n, ("j0", "c1"): [0.4] * n} for n in (1, 8))
    assert by_id(rank(judgments(often)))["c0"][1] < by_id(rank(judgments(once)))["c0"][1]


def test_two_completions_judged_once_give_the_posterior_of_the_documented_model() -> None:
    ranking = rank([judged(0.9, "c0"), judged(0.5, "c1")], reliability=NO_SHARED_ERROR)
    judge = PRIOR.others
    noise = judge.own_sd**2 + judge.repeat_sd**2
    shrink = PRIOR.quality_sd**2 / (PRIOR.quality_sd**2 + noise)
    assert ranking.scores[0] - ranking.scores[1] == pytest.approx(shrink * 0.4)
    assert gap_variance(ranking) == pytest.approx(2 * PRIOR.quality_sd**2 * (1 - shrink))


def test_an_error_that_all_judges_share_leaves_doubt_that_no_number_of_judges_takes_away() -> None:
    made = {(f"j{j}", c): [score] for j in range(60) for c, score in (("c0", 0.6), ("c1", 0.5))}
    few, many = rank(judgments(made), reliability=NO_SHARED_ERROR), rank(judgments(made))
    unseen = 2 * PRIOR.shared_error * (1 - PRIOR.shared_error) * PRIOR.quality_sd**2
    assert gap_variance(many) > unseen > 0
    assert gap_variance(few) < gap_variance(many)


@given(answers())
def test_chances_to_be_best_sum_to_one(made: Answers) -> None:
    ranking = rank(judgments(made))
    assert math.fsum(ranking.p_best) == pytest.approx(1.0)
    assert all(0.0 <= chance <= 1.0 for chance in ranking.p_best)
    assert all(0.0 <= score <= 1.0 for score in ranking.scores)


@given(unit, unit, st.integers(1, 4), st.floats(0.0, 20.0))
def test_of_two_the_chance_to_be_best_is_the_chance_to_be_better(
    first: float, second: float, judges: int, weight: float
) -> None:
    made = {(f"j{j}", "c0"): [first] for j in range(judges)} | {("j0", "c1"): [second]}
    checks = [checked(0.5, "c0", weight), checked(0.5, "c1", weight)]
    ranking = rank([*judgments(made), *checks])
    better = probability_better(ranking, "c0", "c1")
    assert by_id(ranking)["c0"][2] == pytest.approx(better, abs=2e-3)


@given(answers())
def test_better_and_worse_are_the_two_halves_of_one(made: Answers) -> None:
    ranking = rank(judgments(made))
    for one in ranking.completion_ids:
        for other in ranking.completion_ids:
            both = probability_better(ranking, one, other), probability_better(ranking, other, one)
            assert sum(both) == pytest.approx(1.0)


@given(unit, unit)
def test_checks_alone_are_exact(first: float, second: float) -> None:
    ranking = rank([checked(first, "c0"), checked(second, "c1")])
    assert ranking.scores == (first, second)
    assert ranking.covariance == ((0.0, 0.0), (0.0, 0.0))
    wanted = 0.5 if first == second else float(first > second)
    assert probability_better(ranking, "c0", "c1") == wanted
    assert ranking.p_best == (wanted, 1 - wanted)


@given(unit, unit, st.floats(0.1, 10.0))
def test_only_the_judged_share_is_uncertain(score: float, passed: float, weight: float) -> None:
    alone, mixed = rank([judged(score)]), rank([judged(score), checked(passed, "c0", weight)])
    share = 1.0 / (1.0 + weight)
    assert mixed.covariance[0][0] == pytest.approx(share**2 * alone.covariance[0][0])
    assert mixed.scores[0] == pytest.approx(share * alone.scores[0] + (1 - share) * passed)


def test_missing_judgments_change_nothing() -> None:
    scored = [judged(0.8, "c0"), judged(0.3, "c1")]
    missing = judged(None, "c0", "j1", missing="no reply in the schema")
    assert rank([*scored, missing]) == rank(scored)


def test_a_completion_without_a_judgment_is_left_out() -> None:
    ranking = rank(
        [judged(0.8, "c0"), judged(0.3, "c1"), judged(None, "c2", missing="no reply")],
        completion_ids=["c0", "c1", "c2", "c3"],
    )
    assert ranking.completion_ids == ("c0", "c1")


def test_checks_do_not_stand_in_for_a_judge_who_did_not_answer() -> None:
    made = [judged(0.8, "c0"), judged(None, "c1", missing="no reply")]
    ranking = rank([*made, checked(0.5, "c0"), checked(1.0, "c1")])
    assert ranking.completion_ids == ("c0",)


def test_nothing_judged_is_an_empty_ranking() -> None:
    assert rank([]).completion_ids == ()
    assert rank([judged(None, missing="no reply")]).p_best == ()


def test_judgments_of_several_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="several prompts"):
        rank([judged(0.8), judged(0.3, prompt_id="q")])


@settings(max_examples=20)
@given(answers())
def test_ranking_twice_gives_the_same_bits(made: Answers) -> None:
    assert rank(judgments(made)) == rank(judgments(made))


def test_a_prompt_is_ranked_in_well_under_a_millisecond() -> None:
    asked = judgments(
        {(f"j{j}", f"c{c}"): [0.1 * c + 0.05 * j] for j in range(2) for c in range(4)}
    )

    def once() -> float:
        start = time.perf_counter()
        rank(asked)
        return time.perf_counter() - start

    assert min(once() for _ in range(200)) < 0.0007


def test_a_completion_whose_checks_could_not_be_decided_is_left_out() -> None:
    made = {("j", "c0"): [0.9], ("j", "c1"): [0.5]}
    ranking = rank([*judgments(made), checked(1.0, "c1", 1.0)])
    assert ranking.completion_ids == ("c1",)
