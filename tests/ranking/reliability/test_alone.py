"""A judge that is alone: what its repeats and its narrow prompts say of its own lasting error."""

from __future__ import annotations

import numpy as np
import pytest

from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.alone import ALONE_DOUBT, LASTING_SIGNAL, Signal, signal_of
from judgeforge.ranking.reliability.judges import JudgeReliability
from judgeforge.records import Judgment

SPREAD = 0.22
"""Of its opinions: quality and lasting error together."""


def said(ratio: float, *, close: float = 0.15, noise: float = 0.05, answers: int = 2) -> Signal:
    """Of a judge that sees ``ratio`` times as much as it errs, where the share ``close`` of prompts
    has equal completions."""
    draw = np.random.default_rng(3)
    error = SPREAD / np.sqrt(1.0 + ratio**2)
    evidence = list[Evidence]()
    for prompt in range(64):
        wide = 0.0 if draw.random() < close else ratio * error / np.sqrt(1.0 - close)
        opinions = 0.5 + draw.normal(0.0, wide, 4) + draw.normal(0.0, error, 4)
        evidence.append(
            read_evidence(
                [
                    Judgment(
                        id=f"p{prompt}.c{place}.r{repeat}",
                        prompt_id=f"p{prompt}",
                        completion_ids=(f"p{prompt}.c{place}",),
                        judge="one",
                        protocol="pointwise",
                        repeat=repeat,
                        score=float(np.clip(opinion + draw.normal(0.0, noise), 0.0, 1.0)),
                    )
                    for place, opinion in enumerate(opinions)
                    for repeat in range(answers)
                ]
            )
        )
    return signal_of(evidence, JudgeReliability(name="one", repeat_sd=noise), SPREAD**2)


def test_prompts_of_equal_completions_show_how_little_a_judge_errs() -> None:
    assert said(5.0, close=0.3).ratio > 1.5 * said(5.0, close=0.0).ratio


def test_a_judge_that_sees_more_is_taken_to_see_more() -> None:
    found = [said(ratio, noise=SPREAD / np.sqrt(1 + ratio**2) / 1.4) for ratio in (0.8, 1.6, 3.2)]
    assert [one.ratio for one in found] == sorted(one.ratio for one in found)
    for ratio, one in zip((0.8, 1.6, 3.2), found, strict=True):
        assert abs(np.log(one.ratio / ratio)) < 2.0 * one.doubt


def test_noisy_repeats_stand_for_a_large_lasting_error() -> None:
    assert said(1.4, noise=0.15).ratio < said(1.4, noise=0.03).ratio


def test_what_is_known_of_a_judge_only_takes_doubt_away() -> None:
    assert said(1.4).doubt < ALONE_DOUBT


def test_without_any_score_there_is_what_recorded_judges_say() -> None:
    found = signal_of([], JudgeReliability(name="one"), SPREAD**2)
    assert found.ratio == pytest.approx(LASTING_SIGNAL, rel=0.1)
    assert found.doubt == pytest.approx(ALONE_DOUBT, rel=0.15)
