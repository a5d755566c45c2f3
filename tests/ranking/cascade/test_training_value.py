"""With `aim: training` a call has to bring more than a fresh prompt would for the same money."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from judgeforge.config.judges import JudgingConfig
from judgeforge.ranking.cascade.candidates import Bundle, JudgeOption
from judgeforge.ranking.cascade.choose import next_bundle
from judgeforge.ranking.cascade.training_value import ForTraining, TrainingValue
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.reliability.judges import PRIOR
from judgeforge.ranking.rules import CascadeRules
from tests.support.judgments import scored

RULES = CascadeRules(target_confidence=0.9)
FIRST = JudgeOption("first", "one", tier=1)


def asked(
    *scores: float,
    cost: float = 1.0,
    prompt_cost: float = 8.0,
    value: TrainingValue | None = None,
    close_pairs: float = 0.15,
) -> Bundle:
    evidence = read_evidence([scored("first", f"c{i}", score) for i, score in enumerate(scores)])
    options = [FIRST, JudgeOption("strong", "one", tier=2, cost=cost)]
    known = PRIOR.model_copy(update={"close_prompts": 0.1, "close_pairs": close_pairs})
    training = ForTraining(value or TrainingValue(), prompt_cost)
    return next_bundle(evidence, options, known, RULES, training=training)


def test_a_prompt_is_worth_four_hundredths_of_a_wrong_pair() -> None:
    assert TrainingValue().worth_a_prompt == pytest.approx(2.4 / 0.6931 / 87, rel=1e-3)
    by_pairs = TrainingValue(steps="by_pairs")
    assert by_pairs.worth_a_prompt == pytest.approx(6.9 / 0.6931 / 87, rel=1e-3)


def test_what_pays_depends_on_what_a_fresh_prompt_costs() -> None:
    doubtful = (0.62, 0.5, 0.45, 0.42)
    assert asked(*doubtful, cost=1.0, prompt_cost=20.0) != ()
    assert asked(*doubtful, cost=1.0, prompt_cost=0.5) == ()


def test_what_pays_depends_on_what_wrong_pairs_cost() -> None:
    doubtful = (0.62, 0.5, 0.45, 0.42)
    careless = TrainingValue(point_wrong=0.01)
    assert asked(*doubtful, prompt_cost=20.0) != ()
    assert asked(*doubtful, prompt_cost=20.0, value=careless) == ()


def test_a_pair_that_is_surely_right_is_asked_no_more_about() -> None:
    assert asked(0.95, 0.5, 0.4, 0.05, prompt_cost=20.0) == ()


def test_the_likelier_two_are_equal_the_less_is_spent_on_telling_them_apart() -> None:
    scores = (0.5, 0.5, 0.48, 0.48)

    def least_paying(close_pairs: float) -> float:
        prices = [0.25 * 1.2**step for step in range(40)]
        return next(
            price for price in prices if asked(*scores, prompt_cost=price, close_pairs=close_pairs)
        )

    assert least_paying(0.8) > 1.2 * least_paying(0.05)


def test_the_value_of_prompts_and_wrong_pairs_adds_up() -> None:
    value = TrainingValue()
    assert value.points(200, 0.1) - value.points(100, 0.1) == pytest.approx(2.4)
    assert value.points(100, 0.11) - value.points(100, 0.1) == pytest.approx(-0.87)
    assert value.error_of_difference(1.0, 0.0) == pytest.approx(1.2)
    assert value.error_of_difference(0.0, 0.01) == pytest.approx(0.66)


def test_the_aim_needs_a_cascade_and_the_value_needs_the_aim() -> None:
    with pytest.raises(ValidationError, match="set `cascade`"):
        JudgingConfig.model_validate({"aim": "training"})
    with pytest.raises(ValidationError, match="aim: training"):
        JudgingConfig.model_validate({"training_value": {"point_wrong": 2.0}})
    assert JudgingConfig.model_validate({"aim": "training", "cascade": {}}).aim == "training"
