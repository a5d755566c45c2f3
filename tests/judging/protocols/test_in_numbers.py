"""What the judgments of all models that answer in numbers have in common."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from judgeforge.calls.call import Answer
from judgeforge.calls.providers.base import DecisionAnswer, ModelReply, ModelRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.judge import make_judge
from judgeforge.records import Question
from tests.support.fake_asks import FakeAsks, in_turn, make_completion, make_prompt, make_rubric

REPLIES = {
    "reward": ModelReply("", "stop", None, rewards=(1.0,)),
    "decisions": ModelReply(
        "", "stop", None, decisions=(DecisionAnswer("quality", probabilities={"4": 1.0}),)
    ),
}


class StoodIn(FakeAsks):
    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        return replace(await super().ask(model, request, sample=sample), answered_by="spare")


@pytest.mark.parametrize("protocol", REPLIES)
def test_a_judgment_says_which_fallback_answered_in_place_of_its_model(protocol: str) -> None:
    config = JudgeConfig.model_validate({"model": "m", "protocol": protocol})
    judge = make_judge(config, make_rubric(), StoodIn(in_turn(REPLIES[protocol])))
    question = Question(judge="m", completion_ids=("p1.c0",))
    asked = judge.ask(make_prompt(), {"p1.c0": make_completion("Four.")}, question)
    judgment = asyncio.run(asked)
    assert judgment.missing is None
    assert (judgment.note or "").startswith("answered by fallback spare")
