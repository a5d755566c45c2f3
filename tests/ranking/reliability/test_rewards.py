"""On which scale a reward model speaks, and what the verdicts of another judge tell of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.reliability.rewards import ANY_PROMPT_SD, with_reward_units
from judgeforge.records import Judgment

ROWS = 120


def rewards(values: Sequence[float], prompt: str, judge: str = "rm") -> list[Judgment]:
    return [
        Judgment(
            id=f"{prompt}.c{i}.{judge}",
            prompt_id=prompt,
            completion_ids=(f"{prompt}.c{i}",),
            judge=judge,
            protocol="reward",
            rewards=(float(value),),
        )
        for i, value in enumerate(values)
    ]


def verdicts(gap: float, prompt: str, noise: Sequence[float]) -> list[Judgment]:
    """In both orders."""
    orders = ((0, 1), (1, 0))
    return [
        Judgment(
            id=f"{prompt}.{first}{second}.llm",
            prompt_id=prompt,
            completion_ids=(f"{prompt}.c{first}", f"{prompt}.c{second}"),
            judge="llm",
            protocol="pairwise",
            verdict="a" if (gap + error > 0) == (first == 0) else "b",
        )
        for (first, second), error in zip(orders, noise, strict=True)
    ]


def scores(values: Sequence[float], prompt: str) -> list[Judgment]:
    return [
        Judgment(
            id=f"{prompt}.c{i}.llm",
            prompt_id=prompt,
            completion_ids=(f"{prompt}.c{i}",),
            judge="llm",
            protocol="pointwise",
            score=float(np.clip(value, 0, 1)),
        )
        for i, value in enumerate(values)
    ]


def beside_verdicts(noise: float) -> Reliability:
    """A reward model of this much error beside a judge that compares well."""
    draw = np.random.default_rng(3)
    said = []
    for i in range(ROWS):
        truth = draw.normal(size=2)
        seen = 12 * (truth + noise * draw.normal(size=2)) + 500 * draw.normal()
        gap = float(truth[0] - truth[1])
        said.append([*rewards(seen, f"p{i}"), *verdicts(gap, f"p{i}", 0.3 * draw.normal(size=2))])
    return fit_reliability(said)


def signal(known: Reliability, judge: str = "rm") -> float:
    """Of one answer over its error."""
    one = known.of(judge)
    return one.scale * known.quality_sd / float(np.hypot(one.own_sd, one.repeat_sd))


class TestTheUnit:
    def test_follows_the_spread_within_prompts_and_not_that_between_them(self) -> None:
        draw = np.random.default_rng(1)
        near = [rewards(draw.normal(size=4) + 1000 * i, f"p{i}") for i in range(40)]
        unit = fit_reliability(near).of("rm").reward_unit
        assert unit == pytest.approx(1.1, rel=0.15)

    def test_is_not_moved_by_a_few_rewards_far_out(self) -> None:
        draw = np.random.default_rng(1)
        plain = [rewards(draw.normal(size=4), f"p{i}") for i in range(60)]
        far = [*plain[3:], *(rewards([1e6, -1e6, 0.0, 3.0], f"p{i}") for i in range(3))]
        units = [fit_reliability(one).of("rm").reward_unit for one in (plain, far)]
        assert units[1] == pytest.approx(units[0], rel=0.15)

    def test_of_a_judge_that_gives_all_answers_the_same_is_none_and_promises_nothing(self) -> None:
        squashed = [rewards([1.0, 1.0], f"p{i}") for i in range(30)]
        known = fit_reliability(squashed)
        assert known.of("rm").reward_unit is None
        assert rank(squashed[0], reliability=known).p_best == pytest.approx((0.5, 0.5))

    def test_is_learnt_of_judges_that_are_not_listed_yet(self) -> None:
        evidence = [read_evidence(rewards([0.0, 2.0], "p"))]
        judge = with_reward_units(evidence, PRIOR).of("rm")
        assert judge.reward_unit is not None
        assert judge.prompt_sd == ANY_PROMPT_SD


class TestBesideAJudgeThatCompares:
    def test_the_better_it_agrees_the_more_it_counts(self) -> None:
        found = [signal(beside_verdicts(noise)) for noise in (0.2, 1.0, 5.0)]
        assert found == sorted(found, reverse=True)
        assert found[0] > 1.2
        assert found[2] < 0.45

    def test_it_counts_for_no_more_than_that_judge(self) -> None:
        draw = np.random.default_rng(3)
        said = []
        for i in range(ROWS):
            truth = draw.normal(size=2)
            seats = (9.0, -9.0) if draw.random() < 0.7 else (0.0, 0.0)  # follows the seat
            gap = float(truth[0] - truth[1])
            said.append([*rewards(truth, f"p{i}"), *verdicts(gap, f"p{i}", seats)])
        assert signal(fit_reliability(said)) < 0.6

    def test_a_promise_holds(self) -> None:
        """Of rewards alone, judged by what the verdicts on other prompts told."""
        known = beside_verdicts(1.0)
        draw = np.random.default_rng(9)
        right, promised = [], []
        for i in range(400):
            truth = draw.normal(size=2)
            seen = 12 * (truth + draw.normal(size=2))
            ranking = rank(rewards(seen, f"q{i}"), reliability=known)
            right.append(float(np.argmax(ranking.p_best) == np.argmax(truth)))
            promised.append(max(ranking.p_best))
        assert np.mean(promised) <= np.mean(right) + 0.03


class TestBesideAJudgeThatScores:
    def test_the_scores_keep_their_zero_and_their_unit(self) -> None:
        """A reward model has no say in how good completions are altogether."""
        draw = np.random.default_rng(4)
        said, alone = [], []
        for i in range(ROWS):
            truth = 0.7 + 0.15 * draw.normal(size=4)
            told = scores(truth + 0.05 * draw.normal(size=4), f"p{i}")
            alone.append(told)
            said.append([*told, *rewards(30 * truth + 0.5 * draw.normal(size=4), f"p{i}")])
        both, one = fit_reliability(said), fit_reliability(alone)
        assert both.mean == pytest.approx(one.mean, abs=0.02)
        assert both.of("llm").scale == pytest.approx(1.0)
        assert both.of("llm").offset == pytest.approx(0.0, abs=0.02)

    def test_both_together_are_right_more_often_than_either(self) -> None:
        draw = np.random.default_rng(6)
        said, truths = [], []
        for i in range(200):
            truth = 0.5 + 0.2 * draw.normal(size=4)
            truths.append(int(truth.argmax()))
            told = scores(truth + 0.12 * draw.normal(size=4), f"p{i}")
            said.append((told, rewards(50 * (truth + 0.12 * draw.normal(size=4)), f"p{i}")))

        def share_right(which: Sequence[int]) -> float:
            rows = [[one for k in which for one in each[k]] for each in said]
            known = fit_reliability(rows)
            found = [int(np.argmax(rank(row, reliability=known).p_best)) for row in rows]
            return float(np.mean([a == b for a, b in zip(found, truths, strict=True)]))

        assert share_right([0, 1]) > max(share_right([0]), share_right([1]))


def test_labels_of_a_judge_that_scores_are_fitted_as_ever_where_there_are_no_rewards() -> None:
    said = [scores([0.2, 0.9], f"p{i}") for i in range(30)]
    assert all(judge.reward_unit is None for judge in fit_reliability(said).judges)
