"""A listwise judge: all completions in one request, in an order that is drawn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.judge_prompts import judge_messages
from judgeforge.judging.material import answers_by_id
from judgeforge.judging.protocols.listwise import ListwiseJudge
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.structured import list_schema, read_list
from judgeforge.records import Judgment, Question
from tests.support.fake_asks import (
    FakeAsks,
    Replies,
    by_criterion,
    in_turn,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

RUBRIC, PROMPT = make_rubric(), make_prompt()
COMPLETIONS = {f"p1.c{i}": make_completion(f"It is {i}.", i) for i in range(3)}
SHOWN = ("p1.c2", "p1.c0", "p1.c1")


def reply(*scores: Mapping[str, object], rationale: str = "So.") -> ModelReply:
    answers = {f"answer_{number}": each for number, each in enumerate(scores, start=1)}
    return says(json.dumps({"rationale": rationale, **answers}))


def judge(asks: FakeAsks | None = None, **fields: object) -> ListwiseJudge:
    config = JudgeConfig.model_validate({"model": "big", "protocol": "listwise", **fields})
    return ListwiseJudge(config, RUBRIC, asks or FakeAsks(in_turn()))


def ask(*replies: ModelReply, **fields: object) -> tuple[Judgment, FakeAsks]:
    return ask_by(in_turn(*replies), **fields)


def ask_by(replies: Replies, **fields: object) -> tuple[Judgment, FakeAsks]:
    asks = FakeAsks(replies)
    question = Question(judge="big", completion_ids=SHOWN)
    return asyncio.run(judge(asks, **fields).ask(PROMPT, COMPLETIONS, question)), asks


class TestTheQuestion:
    @given(st.permutations(sorted(COMPLETIONS)), st.integers(0, 9))
    def test_is_one_and_does_not_depend_on_the_order_of_the_completions(
        self, ids: list[str], repeat: int
    ) -> None:
        (question,) = judge().questions(ids, repeat)
        assert sorted(question.completion_ids) == sorted(COMPLETIONS)
        assert judge().questions(sorted(ids), repeat) == [question]

    def test_is_shuffled_anew_for_every_repeat_and_seed(self) -> None:
        ids = [f"p1.c{i}" for i in range(8)]
        orders = {judge(repeats=4).questions(ids, r)[0].completion_ids for r in range(4)}
        orders |= {judge(seed=s).questions(ids, 0)[0].completion_ids for s in range(1, 4)}
        assert len(orders) == 7

    def test_of_one_completion_is_none(self) -> None:
        assert judge().questions(["p1.c0"], 0) == []


class TestAJudgment:
    def test_scores_every_completion_in_the_order_shown(self) -> None:
        judgment, asks = ask(
            reply(
                {"quality": 5, "safe": True},
                {"quality": 1, "safe": False},
                {"quality": 3, "safe": True},
            )
        )
        (asked,) = asks.asked
        texts = [COMPLETIONS[i].text for i in SHOWN]
        assert asked.request.messages == judge_messages(
            "listwise", RUBRIC, PROMPT, texts, row=tuple(answers_by_id(COMPLETIONS).values())
        )
        assert asked.request.reply_schema == list_schema(RUBRIC, 3)
        assert (judgment.id, judgment.completion_ids) == ("p1.c2-c0-c1.big.r0", SHOWN)
        assert judgment.scores == (1.0, 0.0, 0.625)
        assert (judgment.score, judgment.weight, judgment.rationale) == (None, 4, "So.")

    def test_merges_criteria_that_are_asked_one_by_one(self) -> None:
        qualities = [{"quality": 5}, {"quality": 1}, {"quality": 3}]
        safeties = [{"safe": True}, {"safe": False}, {"safe": True}]
        replies = by_criterion(
            quality=reply(*qualities, rationale="Right."), safe=reply(*safeties, rationale="Safe.")
        )
        judgment, asks = ask_by(replies, criteria="separate")
        assert len(asks.asked) == 2
        assert judgment.scores == (1.0, 0.0, 0.625)
        assert judgment.rationale == "quality: Right.\nsafe: Safe."
        assert judgment.calls == ("key-1", "key-2")

    def test_names_the_answer_that_could_not_be_read_and_is_missing_after_a_repair(self) -> None:
        bad = reply({"quality": 5, "safe": True}, {"quality": 9, "safe": True}, {"quality": 1})
        judgment, asks = ask(bad, bad)
        assert "`answer_2`: `quality` must be" in asks.asked[1].request.messages[-1].content
        assert judgment.missing is not None
        assert judgment.scores is None


@pytest.mark.parametrize(
    "text",
    [
        '{"rationale": "", "answer_1": {"quality": 1, "safe": true}}',
        '{"rationale": "", "answer_1": 1, "answer_2": 2}',
        '{"answer_1": {"quality": 1, "safe": true}, "answer_2": {"quality": 1, "safe": true}}',
    ],
)
def test_a_reply_that_is_not_what_was_asked_for_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_list(text, RUBRIC, 2)
