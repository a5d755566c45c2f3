"""Reward models as judges: the conversation out, one finite number in."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from judgeforge.calls.providers.base import ModelReply, RewardRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import NoReplyError, OverlongRequestError, StatusError, UnsuitedRequestError
from judgeforge.judging.protocols.reward import RewardJudge
from judgeforge.records import Judgment, Prompt, Question
from judgeforge.text.messages import Message, ToolCall
from tests.support.fake_asks import FakeAsks, in_turn, make_completion, make_prompt, make_rubric

RUBRIC = make_rubric(guidance="Be fair.")
COMPLETIONS = {f"p1.c{i}": make_completion(text, i) for i, text in enumerate(["Four.", "Five."])}


def rewarded(*rewards: float) -> ModelReply:
    return ModelReply("", "stop", None, rewards=rewards)


def ask(
    reply: ModelReply | Exception,
    *,
    prompt: Prompt | None = None,
    completion: Any = None,
    **fields: object,
) -> tuple[Judgment, FakeAsks]:
    asks = FakeAsks(in_turn(reply))
    config = JudgeConfig.model_validate({"model": "rm", "protocol": "reward", **fields})
    completions = COMPLETIONS if completion is None else {"p1.c0": completion}
    question = Question(judge="rm", completion_ids=("p1.c0",))
    judge = RewardJudge(config, RUBRIC, asks)
    return asyncio.run(judge.ask(prompt or make_prompt(), completions, question)), asks


def test_each_completion_is_one_question_however_many_criteria_there_are() -> None:
    config = JudgeConfig(model="rm", protocol="reward")
    asked = RewardJudge(config, RUBRIC, FakeAsks(in_turn())).questions(["p1.c0", "p1.c1"], 0)
    assert [one.completion_ids for one in asked] == [("p1.c0",), ("p1.c1",)]


def test_it_is_sent_the_turns_and_the_answer_and_nothing_of_rubric_reference_or_thought() -> None:
    turns = (Message(role="system", content="Be short."), Message(role="user", content="2 + 2?"))
    prompt = make_prompt(messages=turns, reference="The reference.")
    thoughtful = make_completion("Four.").model_copy(update={"reasoning": "Let me think."})
    _, asks = ask(rewarded(1.0), prompt=prompt, completion=thoughtful)
    (asked,) = asks.asked
    assert asked.request == RewardRequest((*turns, Message(role="assistant", content="Four.")))


@pytest.mark.parametrize("reward", [0.0, -7.25, 4e4, 1e-9])
def test_its_number_is_kept_raw_and_is_no_score(reward: float) -> None:
    judgment, _ = ask(rewarded(reward))
    assert (judgment.rewards, judgment.score, judgment.missing) == ((reward,), None, None)
    assert judgment.reward_sd is None
    assert (judgment.call, judgment.cost_usd) == ("key-1", 0.25)
    assert Judgment.model_validate_json(judgment.model_dump_json()) == judgment


def test_a_bradley_terry_model_is_no_surer_than_its_own_log_odds() -> None:
    judgment, _ = ask(rewarded(1.0), bradley_terry=True)
    assert judgment.reward_sd == pytest.approx(math.pi / math.sqrt(6))


@pytest.mark.parametrize(
    ("rewards", "said"),
    [
        ((), "the reply has no number"),
        ((1.0, 2.0), "2 numbers instead of one"),
        ((math.nan,), "the reward is nan, not a finite number"),
        ((-math.inf,), "the reward is -inf, not a finite number"),
    ],
)
def test_anything_but_one_finite_number_is_a_missing_judgment(
    rewards: tuple[float, ...], said: str
) -> None:
    judgment, asks = ask(rewarded(*rewards))
    assert judgment.missing_kind == "unread"
    assert said in str(judgment.missing)
    assert (judgment.rewards, judgment.cost_usd) == ((), 0.25)
    assert len(asks.asked) == 1  # the same would come again


@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        (make_prompt(tools="[]"), None),
        (
            None,
            make_completion("").model_copy(
                update={"tool_calls": (ToolCall(id="c", name="w", arguments="{}"),)}
            ),
        ),
    ],
)
def test_tools_are_named_and_nothing_is_sent_where_the_prompt_offers_them(
    prompt: Prompt | None, completion: Any
) -> None:
    refused = UnsuitedRequestError("the conversation has tool calls", model="rm")
    judgment, asks = ask(refused, prompt=prompt, completion=completion)
    assert judgment.missing_kind == "unsuited"
    assert str(judgment.missing).startswith("not asked: the ")
    assert len(asks.asked) == (0 if prompt else 1)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoReplyError("timed out"), "failed"),
        (OverlongRequestError("too long", status=413), "too_long"),
    ],
)
def test_a_call_that_fails_is_a_missing_judgment_that_says_why(error: Exception, kind: str) -> None:
    judgment, _ = ask(error)
    assert (judgment.missing_kind, judgment.rewards) == (kind, ())


def test_a_server_that_can_never_answer_stops_the_run() -> None:
    with pytest.raises(StatusError):
        ask(StatusError("no", status=404, stops_run=True))


def test_settings_of_judges_that_write_mean_nothing_here() -> None:
    for setting in ({"repeats": 2}, {"criteria": "separate"}, {"max_tokens": 9}, {"pairs": True}):
        with pytest.raises(ValueError, match="has no meaning for a judge with `protocol: reward`"):
            JudgeConfig.model_validate({"model": "rm", "protocol": "reward", **setting})
    with pytest.raises(ValueError, match=r"`bradley_terry` .* belongs to reward"):
        JudgeConfig.model_validate({"model": "m", "bradley_terry": True})
