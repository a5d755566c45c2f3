"""A judge that answers each prompt itself, once, before it judges answers to it."""

from __future__ import annotations

import asyncio

import pytest

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import NoReplyError, StatusError
from judgeforge.judging.judge import make_judge
from judgeforge.judging.own_prompts import OwnPrompt
from judgeforge.records import Judgment, Question
from tests.support.fake_asks import (
    Asked,
    FakeAsks,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

JUDGED = says('{"rationale": "Good.", "scores": {"quality": 4, "safe": true}}')


def judge(own: ModelReply | Exception, *, rounds: int = 2) -> tuple[list[Judgment], FakeAsks]:
    def replies(asked: Asked) -> ModelReply | Exception:
        return own if asked.request.reply_schema is None else JUDGED

    asks = FakeAsks(replies)
    config = JudgeConfig(model="m", commit_first=True, max_tokens=64)
    one = make_judge(config, make_rubric(), asks, own=OwnPrompt(commit_first=True))
    completions = {f"p1.c{n}": make_completion(f"Answer {n}.", n) for n in range(rounds)}

    async def ask() -> list[Judgment]:
        return [
            await one.ask(make_prompt(), completions, Question(judge="m", completion_ids=(name,)))
            for name in completions
        ]

    return asyncio.run(ask()), asks


def test_it_answers_once_and_judges_with_its_answer_in_view() -> None:
    judgments, asks = judge(says("It is four."))
    own = [one for one in asks.asked if one.request.reply_schema is None]
    assert len(own) == 1
    assert own[0].request.messages == make_prompt().messages
    assert own[0].request.temperature == 0
    judged = [one.request.messages[1].text for one in asks.asked if one not in own]
    assert all("<own-answer-" in text and "It is four." in text for text in judged)
    assert {one.own_answer for one in judgments} == {("key-1", 0.25)}
    assert [one.cost_usd for one in judgments] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("own", "note"),
    [
        (says("It is", "length"), "cut at max_tokens = 64"),
        (says("", "stop"), "no answer of its own"),
        (says("No.", "refusal"), "no answer of its own"),
        (NoReplyError("timed out"), "timed out"),
    ],
)
def test_without_an_answer_it_judges_all_the_same_and_says_so(
    own: ModelReply | Exception, note: str
) -> None:
    judgments, asks = judge(own)
    assert all(note in (one.note or "") and one.score is not None for one in judgments)
    assert not any("own-answer" in one.request.messages[-1].text for one in asks.asked)


def test_what_stops_a_run_stops_it() -> None:
    with pytest.raises(StatusError):
        judge(StatusError("no key", status=401, stops_run=True))


def test_judgments_of_others_are_written_as_they_always_were() -> None:
    plain = Judgment(id="j", prompt_id="p", completion_ids=("c",), judge="m", protocol="pointwise")
    assert "own_answer" not in plain.model_dump()
