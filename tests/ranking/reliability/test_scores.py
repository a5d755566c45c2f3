"""Judges' scales and kinds of error are learnt from their scores alone."""

from __future__ import annotations

import numpy as np
import pytest

from judgeforge.ranking.rank import rank
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.records import Judgment
from tests.support.judgments import scored

MEAN, PROMPT_SD, QUALITY_SD = 0.5, 0.08, 0.1
JUDGES = {
    #        offset, scale, own_sd, prompt_sd, repeat_sd
    "even": (0.0, 1.0, 0.03, 0.02, 0.03),
    "high": (0.06, 1.0, 0.05, 0.03, 0.02),
    "flat": (-0.06, 0.6, 0.04, 0.02, 0.04),
    "wild": (0.0, 1.0, 0.15, 0.03, 0.1),
}


def world(prompts: int, *, repeats: int = 2, completions: int = 4) -> list[list[Judgment]]:
    """Judgments drawn from the model with the parameters above."""
    draw = np.random.default_rng(7)
    made = []
    for p in range(prompts):
        quality = MEAN + draw.normal(0, PROMPT_SD) + draw.normal(0, QUALITY_SD, completions)
        rows = []
        for name, (offset, scale, own, prompt, repeat) in JUDGES.items():
            lasting = MEAN + offset + scale * (quality - MEAN) + draw.normal(0, prompt)
            lasting = lasting + draw.normal(0, own, completions)
            rows += [
                scored(name, f"c{i}", lasting[i] + draw.normal(0, repeat), prompt=f"p{p}", repeat=r)
                for i in range(completions)
                for r in range(repeats)
            ]
        made.append(rows)
    return made


def test_known_parameters_are_recovered() -> None:
    fitted = fit_reliability(world(800))
    gauge = np.exp(np.mean([np.log(fitted.of(name).scale) for name in JUDGES]))
    wanted = np.exp(np.mean([np.log(scale) for _, scale, *_ in JUDGES.values()]))
    for name, (offset, scale, own, _, repeat) in JUDGES.items():
        judge = fitted.of(name)
        assert judge.offset == pytest.approx(offset, abs=0.015), name
        assert judge.scale / gauge == pytest.approx(scale / wanted, rel=0.1), name
        assert judge.repeat_sd == pytest.approx(repeat, rel=0.1), name
        # Agreeing more than the median judge may be an error that is shared.
        assert judge.own_sd >= own * 0.9, name
    assert fitted.of("wild").own_sd == pytest.approx(0.15, rel=0.1)
    assert fitted.mean == pytest.approx(MEAN, abs=0.02)
    assert fitted.quality_sd == pytest.approx(QUALITY_SD * wanted, rel=0.1)
    assert (fitted.source, fitted.prompts) == ("run", 800)


def test_ten_prompts_stay_near_the_prior() -> None:
    fitted = fit_reliability(world(10))
    for judge in fitted.judges:
        assert abs(judge.offset) < 0.15
        assert 0.5 < judge.scale < 1.6
        assert 0.3 < judge.own_sd / PRIOR.of(judge.name).own_sd < 3.0
        assert 0.3 < judge.repeat_sd / PRIOR.of(judge.name).repeat_sd < 3.0


def test_one_judge_alone_keeps_its_scale() -> None:
    alone = [[one for one in rows if one.judge == "flat"] for rows in world(30)]
    (judge,) = fit_reliability(alone).judges
    assert judge.scale == pytest.approx(1.0)
    assert judge.offset == pytest.approx(0.0)


def test_judges_that_always_say_the_same_are_no_error() -> None:
    same = [[scored("j", f"c{i}", 0.5, prompt=f"p{p}") for i in range(3)] for p in range(20)]
    fitted = fit_reliability(same)
    assert rank(same[0], reliability=fitted).p_best == pytest.approx([1 / 3] * 3, abs=1e-6)


def test_nothing_judged_gives_the_prior() -> None:
    assert fit_reliability([]) == PRIOR
    assert fit_reliability([[scored("j", "a", None)]]) == PRIOR


def test_the_order_of_prompts_and_judgments_does_not_matter() -> None:
    prompts = world(20, repeats=1)
    shuffled = [rows[::-1] for rows in reversed(prompts)]
    assert fit_reliability(prompts) == fit_reliability(shuffled)


def test_a_judge_that_errs_more_moves_the_ranking_less() -> None:
    fitted = fit_reliability(world(200))

    def lead(praised_by: str, other: str) -> float:
        ranking = rank(
            [
                *(scored(praised_by, name, score) for name, score in (("a", 0.6), ("b", 0.4))),
                *(scored(other, name, score) for name, score in (("a", 0.4), ("b", 0.6))),
            ],
            reliability=fitted,
        )
        return ranking.scores[0] - ranking.scores[1]

    assert lead("even", "wild") > 0 > lead("wild", "even")
