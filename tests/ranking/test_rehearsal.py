"""A way of judging is rehearsed on drawn prompts: more and better judges make fewer wrong pairs."""

from __future__ import annotations

import pytest

from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.rehearsal import Rehearsed, Way, rehearse
from judgeforge.ranking.reliability.judges import PRIOR, JudgeReliability
from judgeforge.ranking.reliability.unseen import UNMEASURED
from judgeforge.ranking.rules import CascadeRules

JUDGES = (
    JudgeReliability(name="noisy", own_sd=0.2, repeat_sd=0.1),
    JudgeReliability(name="good", own_sd=0.06, repeat_sd=0.05),
)
KNOWN = PRIOR.model_copy(
    update={"judges": JUDGES, "close_prompts": 0.1, "close_pairs": 0.15, "doubt": 0.15}
)


def rehearsed(*names: str, completions: int = 4, cascade: bool = False) -> Rehearsed:
    options = tuple(
        JudgeOption(name, "one", tier=1 + (cascade and place > 0))
        for place, name in enumerate(names)
    )
    rules = CascadeRules(of="pair", target_confidence=0.9) if cascade else None
    return rehearse(Way(options, completions, rules), KNOWN)


def test_a_better_judge_and_more_completions_make_fewer_wrong_pairs() -> None:
    noisy = rehearsed("noisy")
    assert rehearsed("good").wrong < noisy.wrong - 0.05
    assert rehearsed("noisy", completions=8).wrong < noisy.wrong
    assert rehearsed("noisy", completions=8).gap > noisy.gap


@pytest.mark.slow
def test_everybody_is_asked_everything_and_a_cascade_less() -> None:
    assert rehearsed("noisy", "good").calls == {"noisy": 4.0, "good": 4.0}
    cascade = rehearsed("noisy", "good", cascade=True)
    assert cascade.calls["noisy"] == 4.0 > cascade.calls["good"] > 0.0
    assert rehearsed("noisy", "good").wrong < cascade.wrong < rehearsed("noisy").wrong


def test_what_is_not_known_of_a_judge_shows_in_how_sure_the_share_is() -> None:
    nothing_known = rehearse(Way((JudgeOption("any", "one"),), 4), UNMEASURED)
    assert nothing_known.wrong_sd > 0.08 > rehearsed("good").wrong_sd


def test_the_same_way_is_rehearsed_alike_each_time() -> None:
    assert rehearsed("good") == rehearsed("good")
    assert rehearsed("good").sd_against(rehearsed("good")) < rehearsed("good").wrong_sd + 0.02


def test_further_completions_in_doubt_make_fewer_wrong_pairs() -> None:
    good = (JudgeOption("good", "one"),)
    training = ForTraining(TrainingValue(), 8.0, Another(2.0))
    more = rehearse(Way(good, 4, CascadeRules(), training, more=4), KNOWN)
    assert 0.1 < more.more < 3.0
    assert more.calls["good"] == pytest.approx(4.0 + more.more)
    assert more.wrong < rehearsed("good").wrong
    assert rehearse(Way(good, 4, CascadeRules(), training), KNOWN).more == 0.0
