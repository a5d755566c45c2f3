"""Probabilities of the answers that a judge might have written, and the expected scores."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import ModelReply, TokenProbability
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.protocols.pointwise import PointwiseJudge
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.probabilities import (
    NoProbabilitiesError,
    expected_scores,
    label_probabilities,
    mean_and_variance,
    score_distributions,
)
from judgeforge.records import Judgment
from tests.support.fake_asks import FakeAsks, in_turn, make_completion, make_prompt, make_rubric

RUBRIC = make_rubric()
LEVELS = {"4": 0.6, "5": 0.2, "3": 0.1, "good": 0.1}
YES = {"true": 0.5, " true": 0.25, "false": 0.25}


def token(text: str, chances: dict[str, float] | None = None) -> TokenProbability:
    chosen = chances or {text: 1.0}
    return TokenProbability(text, tuple((t, math.log(p)) for t, p in chosen.items()))


def reply(*middle: TokenProbability) -> tuple[TokenProbability, ...]:
    return (token('{"rationale": "a \\"quality\\": 1 b", "scores": {"quality"'), *middle)


WHOLE = reply(token(":"), token("4", LEVELS), token(', "safe":'), token("true", YES), token("}}"))


def judge(tokens: tuple[TokenProbability, ...], **fields: object) -> tuple[Judgment, FakeAsks]:
    text = "".join(each.text for each in tokens) or WHOLE_TEXT
    asks = FakeAsks(in_turn(ModelReply(text, "stop", None, tokens=tokens)))
    config = JudgeConfig.model_validate({"model": "big", "logprobs": True, **fields})
    pointwise = PointwiseJudge(config, RUBRIC, asks)
    (question,) = pointwise.questions(["p1.c0"], 0)
    ask = pointwise.ask(make_prompt(), {"p1.c0": make_completion()}, question)
    return asyncio.run(ask), asks


WHOLE_TEXT = "".join(each.text for each in WHOLE)


def test_a_distribution_is_what_falls_on_the_answers_of_the_criterion() -> None:
    found = score_distributions(WHOLE, RUBRIC)
    assert found["quality"] == pytest.approx((0, 0, 1 / 9, 6 / 9, 2 / 9))
    assert found["safe"] == pytest.approx((0.25, 0.75))


@pytest.mark.parametrize("before", ["", " ", ": ", '": '])
def test_a_score_is_found_in_a_token_with_what_stands_before_it(before: str) -> None:
    rest = '{"rationale": "", "scores": {"quality": 4, "safe":true}}'
    at = rest.index("4")
    chances = {before + level: p for level, p in LEVELS.items()}
    tokens = (
        token(rest[: at - len(before)]),
        token(before + "4", chances),
        token(', "safe":'),
        token("true", YES),
        token("}}"),
    )
    assert score_distributions(tokens, RUBRIC)["quality"][3] == pytest.approx(6 / 9)


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ((), "came without token probabilities"),
        (reply(token(":"), token("4", {"four": 0.6, "4": 0.4})), "only 40%"),
        (reply(token(":"), token("1"), token("0")), "more than one token"),
        ((token("{}"),), "do not show where `quality` stands"),
    ],
)
def test_without_them_the_reason_is_told(tokens: tuple[TokenProbability, ...], why: str) -> None:
    with pytest.raises(NoProbabilitiesError, match=why):
        score_distributions(tokens, RUBRIC)


def test_a_judgment_holds_expected_scores_their_doubt_and_the_distributions() -> None:
    judgment, asks = judge(WHOLE)
    assert asks.asked[0].request.top_logprobs == 8
    quality = (0.5 * 1 + 0.75 * 6 + 1.0 * 2) / 9
    assert judgment.criteria == pytest.approx({"quality": quality, "safe": 0.75})
    assert judgment.score == pytest.approx((3 * quality + 0.75) / 4)
    spread = (0.25 * 1 + 0.5625 * 6 + 1.0 * 2) / 9 - quality**2
    assert judgment.score_sd == pytest.approx(math.sqrt(9 * spread + 0.75 * 0.25) / 4)
    assert judgment.probabilities is not None
    assert judgment.probabilities["quality.4"] == pytest.approx(6 / 9)
    assert judgment.probabilities["safe.yes"] == pytest.approx(0.75)
    assert judgment.note is None


def test_a_judgment_without_probabilities_keeps_the_scores_as_written_with_a_note() -> None:
    judgment, _ = judge(())
    assert judgment.criteria == {"quality": 0.75, "safe": 1.0}
    assert (judgment.score_sd, judgment.probabilities) == (None, None)
    assert judgment.note is not None
    assert "scores as written" in judgment.note


def test_probabilities_are_asked_for_only_where_the_judge_is_set_so() -> None:
    judgment, asks = judge(WHOLE, logprobs=False)
    assert asks.asked[0].request.top_logprobs is None
    assert judgment.criteria == {"quality": 0.75, "safe": 1.0}
    assert judgment.note is None


probabilities = st.lists(st.floats(0, 1), min_size=2, max_size=10).filter(lambda p: sum(p) > 0.01)


@given(probabilities)
def test_expected_scores_stay_within_0_and_1(raw: list[float]) -> None:
    distribution = [p / sum(raw) for p in raw]
    mean, variance = mean_and_variance(distribution)
    assert 0 <= mean <= 1
    assert 0 <= variance <= 0.25 + 1e-9


def test_a_certain_judge_has_no_doubt() -> None:
    expected = expected_scores(RUBRIC, {"quality": (0, 0, 0, 1, 0), "safe": (0, 1)})
    assert (expected.score, expected.score_sd) == (0.8125, 0.0)


class TestTokenProbabilities:
    def test_are_shared_among_the_labels(self) -> None:
        read = label_probabilities([("m", -0.25), ("M", -1.75), ("The", -4.0)], ["m", "M"])
        assert read["m"] == pytest.approx(0.8175745)
        assert sum(read.values()) == pytest.approx(1)

    def test_of_a_label_that_is_not_listed_are_zero(self) -> None:
        assert label_probabilities([("M", 0.0)], ["m", "M"]) == {"m": 0.0, "M": 1.0}

    @pytest.mark.parametrize(
        "tokens", [[], [("The", -0.01), ("m", -5.0)], [(" m", 0.0)], [("m", float("nan"))]]
    )
    def test_are_no_answer_where_other_tokens_are_likelier(
        self, tokens: list[tuple[str, float]]
    ) -> None:
        with pytest.raises(UnreadableReplyError):
            label_probabilities(tokens, ["m", "M"])
