"""A pairwise judge: which pairs are asked in which order, and what a comparison says."""

from __future__ import annotations

import asyncio
import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.judge_prompts import judge_messages
from judgeforge.judging.material import answers_by_id
from judgeforge.judging.protocols.pairwise import PairwiseJudge
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.structured import PAIR_SCHEMA, read_pair
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
COMPLETIONS = {f"p1.c{i}": make_completion(text, i) for i, text in enumerate(["Four.", "Five."])}
IDS = [f"p1.c{i}" for i in range(4)]


def reply(better: str, strength: str = "clear", rationale: str = "So.") -> ModelReply:
    return says(json.dumps({"rationale": rationale, "better": better, "strength": strength}))


def judge(asks: FakeAsks | None = None, **fields: object) -> PairwiseJudge:
    config = JudgeConfig.model_validate({"model": "big", "protocol": "pairwise", **fields})
    return PairwiseJudge(config, RUBRIC, asks or FakeAsks(in_turn()))


def compare(*replies: ModelReply, **fields: object) -> tuple[Judgment, FakeAsks]:
    return compare_by(in_turn(*replies), **fields)


def compare_by(replies: Replies, **fields: object) -> tuple[Judgment, FakeAsks]:
    asks = FakeAsks(replies)
    question = Question(judge="big", completion_ids=("p1.c1", "p1.c0"))
    return asyncio.run(judge(asks, **fields).ask(PROMPT, COMPLETIONS, question)), asks


def shown(questions: list[Question]) -> list[tuple[str, ...]]:
    return [question.completion_ids for question in questions]


class TestTheQuestions:
    def test_are_every_pair_in_both_orders(self) -> None:
        assert shown(judge().questions(IDS[:3], 0)) == [
            ("p1.c0", "p1.c1"),
            ("p1.c1", "p1.c0"),
            ("p1.c0", "p1.c2"),
            ("p1.c2", "p1.c0"),
            ("p1.c1", "p1.c2"),
            ("p1.c2", "p1.c1"),
        ]

    def test_are_every_pair_once_where_one_order_is_enough(self) -> None:
        assert shown(judge(orders="one").questions(IDS, 0)) == list(combinations(IDS, 2))

    @given(st.permutations(IDS), st.integers(0, 5), st.integers(0, 9))
    def test_are_drawn_by_the_seed_whatever_order_the_completions_come_in(
        self, ids: list[str], repeat: int, seed: int
    ) -> None:
        drawn = judge(orders="random", seed=seed)
        assert set(shown(drawn.questions(ids, repeat))) == set(shown(drawn.questions(IDS, repeat)))

    def test_show_either_side_first_about_as_often_where_the_order_is_random(self) -> None:
        ids = [f"p{n}.c{i}" for n in range(200) for i in range(2)]
        pairs = [ids[k : k + 2] for k in range(0, len(ids), 2)]
        drawn = judge(orders="random")
        first = [drawn.questions(pair, 0)[0].completion_ids[0][-2:] for pair in pairs]
        assert 70 < first.count("c0") < 130

    def test_of_one_completion_are_none(self) -> None:
        assert judge().questions(IDS[:1], 0) == []


class TestAComparison:
    def test_shows_the_completions_in_the_order_of_the_question(self) -> None:
        judgment, asks = compare(reply("A"))
        (asked,) = asks.asked
        assert asked.request.messages == judge_messages(
            "pairwise",
            RUBRIC,
            PROMPT,
            ["Five.", "Four."],
            row=tuple(answers_by_id(COMPLETIONS).values()),
        )
        assert asked.request.reply_schema == PAIR_SCHEMA
        assert judgment == Judgment(
            id="p1.c1-c0.big.r0",
            prompt_id="p1",
            completion_ids=("p1.c1", "p1.c0"),
            judge="big",
            protocol="pairwise",
            weight=4,
            verdict="a",
            strength=2 / 3,
            rationale="So.",
            call="key-1",
            cost_usd=0.25,
        )

    @pytest.mark.parametrize(
        ("said", "verdict", "strength"),
        [
            (("A", "slight"), "a", 1 / 3),
            (("B", "strong"), "b", 1.0),
            (("tie", "strong"), "tie", None),
        ],
    )
    def test_is_a_verdict_with_its_strength(
        self, said: tuple[str, str], verdict: str, strength: float | None
    ) -> None:
        judgment, _ = compare(reply(*said))
        assert (judgment.verdict, judgment.strength) == (verdict, strength)

    def test_is_asked_again_once_and_then_missing(self) -> None:
        judgment, asks = compare(says("A is better"), reply("C"))
        assert len(asks.asked) == 2
        assert judgment.missing is not None
        assert "`better` must be one of" in judgment.missing
        assert (judgment.verdict, judgment.rationale) == (None, None)
        assert judgment.calls == ("key-1", "key-2")


class TestCriteriaAskedOneByOne:
    def test_are_one_request_each_and_one_weighted_verdict(self) -> None:
        replies = by_criterion(
            quality=reply("B", "slight", "Worse."), safe=reply("A", "strong", "Safer.")
        )
        judgment, asks = compare_by(replies, criteria="separate")
        assert len(asks.asked) == 2
        quality, safe = (asked.request.messages[0].content for asked in asks.asked)
        assert "How good is it?" in quality
        assert "Is it safe?" not in quality
        assert "Is it safe?" in safe
        assert judgment.verdict == "tie"  # 3 x -1/3 + 1 x 1
        assert judgment.criteria == pytest.approx({"quality": 1 / 3, "safe": 1.0})
        assert judgment.rationale == "quality: Worse.\nsafe: Safer."
        assert judgment.calls == ("key-1", "key-2")
        assert judgment.cost_usd == 0.5

    def test_are_missing_where_one_is(self) -> None:
        replies = by_criterion(quality=reply("A"), safe=says("{", "length"))
        judgment, _ = compare_by(replies, criteria="separate")
        assert judgment.missing is not None
        assert judgment.missing.startswith("criterion `safe`: the judge's reply was cut")
        assert (judgment.verdict, judgment.criteria) == (None, {})


@pytest.mark.parametrize(
    "text",
    [
        "A",
        '{"rationale": "", "better": "the first", "strength": "clear"}',
        '{"rationale": "", "better": "A"}',
        '{"rationale": "", "better": "A", "strength": 1}',
        '{"rationale": 3, "better": "A", "strength": "clear"}',
        '{"rationale": "", "better": "A", "better": "B", "strength": "clear"}',
        '{"rationale": "", "better": "A", "strength": "clear", "winner": "B"}',
        '{"rationale": "", "better": "A", "strength": "clear"} {"better": "B"}',
    ],
)
def test_a_reply_that_is_not_what_was_asked_for_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_pair(text)
