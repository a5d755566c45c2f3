"""Rewards of any size as scores within their prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import judgeforge
from judgeforge.calibration.calibration import Calibration
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability, Reliability
from judgeforge.ranking.rewards import BRADLEY_TERRY_SD, with_rewards_as_scores
from judgeforge.records import Judgment

JUDGE = "rm"
REWARDS = st.floats(-1e6, 1e6, allow_nan=False)


def given_by(
    rewards: Sequence[float | None], prompt: str = "p", sd: float | None = None
) -> list[Judgment]:
    return [
        Judgment(
            id=f"{prompt}.c{i}.rm",
            prompt_id=prompt,
            completion_ids=(f"{prompt}.c{i}",),
            judge=JUDGE,
            protocol="reward",
            rewards=() if reward is None else (reward,),
            reward_sd=sd,
            missing="lost" if reward is None else None,
        )
        for i, reward in enumerate(rewards)
    ]


def known(unit: float) -> Reliability:
    judge = JudgeReliability(name=JUDGE, prompt_sd=10.0, reward_unit=unit)
    return PRIOR.model_copy(update={"judges": (judge,)})


def scores(rewards: Sequence[float | None], unit: float = 1.0) -> list[float]:
    evidence = with_rewards_as_scores(read_evidence(given_by(rewards)), known(unit))
    return [cell.mean for cell in evidence.cells]


def run_of(prompts: int, *, scale: float, shift: float, seed: int = 1) -> list[list[Judgment]]:
    draw = np.random.default_rng(seed)
    return [
        given_by([float(x) * scale + shift * i for x in draw.normal(size=4)], f"p{i}")
        for i in range(prompts)
    ]


class TestScores:
    def test_are_logistic_around_the_median_of_the_prompt(self) -> None:
        assert scores([23.0, 25.0, 21.0], unit=2.0) == pytest.approx(
            [0.5, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))]
        )

    @given(st.lists(REWARDS, min_size=2, max_size=8), st.floats(1e-3, 1e3))
    def test_are_from_0_to_1_in_the_order_of_the_rewards(
        self, rewards: list[float], unit: float
    ) -> None:
        found = scores(rewards, unit)
        assert all(0.0 <= score <= 1.0 for score in found)
        order = sorted(range(len(rewards)), key=rewards.__getitem__)
        assert all(found[a] <= found[b] for a, b in pairwise(order))

    @given(st.lists(REWARDS, min_size=2, max_size=6), st.integers(0, 5), st.floats(0.0, 1e4))
    def test_a_higher_reward_never_loses_ground_to_another_of_the_prompt(
        self, rewards: list[float], place: int, more: float
    ) -> None:
        place %= len(rewards)
        raised = [r + more if i == place else r for i, r in enumerate(rewards)]
        before, after = scores(rewards, 3.0), scores(raised, 3.0)
        for other in range(len(rewards)):
            lead_before, lead_after = before[place] - before[other], after[place] - after[other]
            assert lead_after >= lead_before - 1e-9

    @given(st.lists(st.floats(-50, 50), min_size=2, max_size=6), st.floats(-1e4, 1e4))
    def test_say_nothing_of_what_all_rewards_of_a_prompt_have_in_common(
        self, rewards: list[float], shift: float
    ) -> None:
        shifted = scores([r + shift for r in rewards])
        assert shifted == pytest.approx(scores(rewards), abs=1e-6)

    def test_of_a_judge_whose_scale_is_unknown_are_none(self) -> None:
        evidence = with_rewards_as_scores(read_evidence(given_by([1.0, 2.0])), PRIOR)
        assert (evidence.cells, evidence.rewards) == ((), ())
        assert evidence.completion_ids == ("p.c0", "p.c1")

    def test_carry_the_doubt_that_a_bradley_terry_model_states(self) -> None:
        evidence = read_evidence(given_by([1.0, 2.0], sd=BRADLEY_TERRY_SD))
        cells = with_rewards_as_scores(evidence, known(5.0)).cells
        assert cells[0].stated_variance == pytest.approx((BRADLEY_TERRY_SD / 20) ** 2)


class TestARanking:
    def test_before_anything_is_known_of_the_scale_promises_nothing(self) -> None:
        ranking = rank(given_by([40.0, -40.0]), reliability=PRIOR)
        assert ranking.p_best == pytest.approx((0.5, 0.5))
        assert ranking.scores == pytest.approx((0.5, 0.5))

    def test_a_missing_reward_leaves_its_completion_out(self) -> None:
        assert rank(given_by([1.0, None, 3.0]), reliability=known(1.0)).completion_ids == (
            "p.c0",
            "p.c2",
        )

    def test_of_a_script_follows_the_rewards_and_is_modest(self) -> None:
        ranking = judgeforge.rank(given_by([3.0, 30.0, -4.0]))
        assert ranking.scores[1] > ranking.scores[0] > ranking.scores[2]
        assert ranking.p_best[1] < 0.95
        (pair,) = judgeforge.select_pairs(ranking).pairs
        assert 0.5 < pair.confidence <= 0.8

    def test_of_a_modest_bradley_terry_model_is_as_modest(self) -> None:
        """It says itself that the two are nearly level; its spread in the run is as small."""
        said = [given_by([0.0, 0.1], f"p{i}", sd=BRADLEY_TERRY_SD) for i in range(40)]
        told = rank(said[0], reliability=fit_reliability(said))
        plain = [given_by([0.0, 0.1], f"p{i}") for i in range(40)]
        taken = rank(plain[0], reliability=fit_reliability(plain))
        assert 0.5 < told.p_best[1] < 0.55
        assert taken.p_best[1] > 0.7

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"rewards": ()}, "`reward` gives a `rewards`, and it has none"),
            ({"rewards": (1.0, 2.0)}, "has 2 `rewards` for 1 `completion_ids`"),
            ({"rewards": (1.0,), "reward_sd": -1.0}, "`reward_sd` must not be negative"),
        ],
    )
    def test_is_refused_of_judgments_that_are_not_sound(
        self, fields: Mapping[str, object], message: str
    ) -> None:
        wrong = given_by([1.0])[0].model_copy(update=dict(fields))
        with pytest.raises(ValueError, match=message):
            judgeforge.rank([wrong])


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, 0.0), (20.0, 300.0), (1.0, -7.0)])
def test_a_run_ranks_the_same_on_whatever_scale_its_judge_speaks(
    scale: float, shift: float
) -> None:
    plain, other = run_of(30, scale=1.0, shift=0.0), run_of(30, scale=scale, shift=shift)
    expected = rank(plain[3], reliability=fit_reliability(plain))
    found = rank(other[3], reliability=fit_reliability(other))
    assert found.scores == pytest.approx(expected.scores, abs=1e-6)
    assert found.p_best == pytest.approx(expected.p_best, abs=1e-6)


def test_labels_tell_a_reward_model_that_is_right_from_one_that_is_not() -> None:
    draw = np.random.default_rng(5)
    truth = draw.normal(size=(80, 2))
    surest = []
    for noise in (0.3, 20.0):
        seen = truth + noise * draw.normal(size=truth.shape)
        said = [given_by([float(x) for x in row], f"p{i}") for i, row in enumerate(seen)]
        labels = {f"p{i}": f"p{i}.c{int(row.argmax())}" for i, row in enumerate(truth)}
        calibration = judgeforge.calibrate(said, labels)
        learnt = calibration.labelled.reliability
        ranked = [calibration.apply(judgeforge.rank(one, reliability=learnt)) for one in said]
        surest.append(float(np.mean([max(one.p_best) for one in ranked])))
        again = Calibration.model_validate_json(calibration.model_dump_json())
        assert again.labelled.reliability.of(JUDGE).reward_unit is not None
    assert surest[0] > 0.8
    assert surest[1] < 0.65


def test_what_is_known_of_other_judges_is_written_as_it_always_was() -> None:
    assert "reward_unit" not in JudgeReliability(name="j").model_dump()
    assert "rewards" not in given_by([None])[0].model_dump()
