"""What judgments cannot show is assumed, and what they show takes its place."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from judgeforge.ranking.outcomes import SLIGHT
from judgeforge.ranking.pairing.selection import select_pairs
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import GapPrior
from judgeforge.ranking.reliability.alone import ALONE_DOUBT, LASTING_SIGNAL
from judgeforge.ranking.reliability.closeness import CLOSE_PAIRS, CLOSE_PROMPTS
from judgeforge.ranking.reliability.fit import fit_reliability
from judgeforge.ranking.reliability.judges import PANEL_DOUBT, Reliability
from judgeforge.ranking.reliability.unseen import (
    UNMEASURED,
    USELESS,
    unmeasured,
)
from judgeforge.records import Judgment

LEVELS = 9


def judgment(prompt: int, judge: str, place: int, repeat: int, score: float) -> Judgment:
    return Judgment(
        id=f"p{prompt}.c{place}.{judge}.r{repeat}",
        prompt_id=f"p{prompt}",
        completion_ids=(f"p{prompt}.c{place}",),
        judge=judge,
        protocol="pointwise",
        repeat=repeat,
        score=round(LEVELS * min(1.0, max(0.0, score))) / LEVELS,
    )


def random_judge(prompts: int, repeats: int, seed: int = 0) -> Iterator[list[Judgment]]:
    """Any level, whatever it is asked."""
    draw = np.random.default_rng(seed)
    for prompt in range(prompts):
        yield [
            judgment(prompt, "coin", place, repeat, float(draw.integers(0, LEVELS + 1)) / LEVELS)
            for place in range(4)
            for repeat in range(repeats if prompt % 2 else 1)
        ]


def reading_judges(prompts: int, errors: dict[str, float], seed: int = 1) -> list[list[Judgment]]:
    """Some prompts have four equal completions."""
    draw = np.random.default_rng(seed)
    found = []
    for prompt in range(prompts):
        spread = 0.0 if draw.random() < 0.25 else 0.2
        quality = 0.5 + draw.normal(0.0, 0.15) + draw.normal(0.0, spread, 4)
        found.append(
            [
                judgment(prompt, name, place, 0, quality[place] + draw.normal(0.0, error))
                for name, error in errors.items()
                for place in range(4)
            ]
        )
    return found


def surest(prompts: list[list[Judgment]], known: Reliability) -> float:
    pairs = [select_pairs(rank(one, reliability=known)).pairs for one in prompts]
    return max(pair.confidence for each in pairs for pair in each)


@pytest.mark.parametrize("seed", range(3))
def test_a_random_judge_gives_no_pair_over_eight_tenths(seed: int) -> None:
    asked_again = list(random_judge(64, repeats=2, seed=seed))
    assert surest(asked_again, fit_reliability(asked_again)) <= 0.8
    once = list(random_judge(64, repeats=1, seed=seed))
    assert surest(once, fit_reliability(once)) <= 0.8
    assert surest(once, UNMEASURED) <= 0.8


def test_a_judge_alone_is_doubted_and_a_panel_measures_itself() -> None:
    alone = fit_reliability(reading_judges(64, {"one": 0.08}))
    panel = fit_reliability(reading_judges(64, {"one": 0.08, "two": 0.08, "three": 0.08}))
    assert panel.doubt == PANEL_DOUBT < alone.doubt < ALONE_DOUBT
    assert alone.of("one").own_sd > panel.of("one").own_sd
    assert alone.shared_by_all == 0.0 < panel.shared_by_all < 0.3


def test_two_judges_far_apart_are_told_apart() -> None:
    found = fit_reliability(reading_judges(400, {"noisy": 0.25, "good": 0.05}))
    noisy, good = (found.of(name) for name in ("noisy", "good"))
    assert noisy.own_sd / noisy.scale > 1.5 * good.own_sd / good.scale


def test_prompts_of_equal_completions_are_seen() -> None:
    errors = {"one": 0.06, "two": 0.06, "three": 0.06}
    some = fit_reliability(reading_judges(200, errors))
    assert CLOSE_PROMPTS + 0.03 < some.close_prompts < 0.25


def world_of(judges: int, draw: np.random.Generator) -> tuple[list[float], list[Judgment]]:
    """Four completions, and judges that are each as good as recorded ones may be, or useless, and
    err alike besides."""
    spread = 0.0 if draw.random() < CLOSE_PROMPTS else 0.2
    quality = 0.5 + draw.normal(0.0, 0.15) + draw.normal(0.0, spread, 4)
    for place in range(1, 4):
        if draw.random() < CLOSE_PAIRS * place / 2.0:
            slight = 0.0 if draw.random() < GapPrior(sds=()).equal else SLIGHT * spread
            quality[place] = quality[draw.integers(place)] + draw.normal(0.0, slight)
    seen = quality + draw.normal(0.0, 0.07, 4)
    said = []
    for name in range(judges):
        useless = draw.random() < USELESS
        error = 0.2 if useless else 0.2 / (LASTING_SIGNAL * math.exp(ALONE_DOUBT * draw.normal()))
        said += [
            judgment(0, f"j{name}", place, 0, (0.5 if useless else one) + draw.normal(0.0, error))
            for place, one in enumerate(seen)
        ]
    return quality.tolist(), said


@pytest.mark.parametrize("judges", [2, 3, 5])
def test_judges_of_which_nothing_is_known_are_right_as_often_as_they_are_sure(judges: int) -> None:
    draw = np.random.default_rng(judges)
    sure, right = list[float](), list[bool]()
    for _ in range(250):
        quality, said = world_of(judges, draw)
        ranking = rank(said, reliability=unmeasured(judges))
        for pair in select_pairs(ranking, strategy="all_pairs").pairs:
            better, worse = (int(one[-1]) for one in (pair.chosen_id, pair.rejected_id))
            if pair.confidence > 0.7:
                sure.append(pair.confidence)
                right.append(quality[better] > quality[worse])
    assert len(sure) > 100
    assert np.mean(sure) == pytest.approx(np.mean(right), abs=0.06)
    assert max(sure) > 0.85
