"""Whether a judge can be read at all, and in which form it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.config.model import REPLY_FORMS, ModelConfig
from judgeforge.errors import FlaggedInputError, StatusError, UnreadableJudgeError
from judgeforge.judging.first_replies import AT_ONCE, FirstReplies
from judgeforge.judging.panel import TriedPanel
from judgeforge.judging.unread_judge import MOST_UNREADABLE, MOST_WITHHELD
from judgeforge.records import Judgment
from judgeforge.store.judge_replies import JudgeReplies
from tests.support.fake_asks import (
    Asked,
    FakeAsks,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

GOOD = says(json.dumps({"rationale": "Fine.", "scores": {"quality": 3, "safe": True}}))
PROSE = says("I like the second one.\x1b[31m It has more to say.")
Replies = Callable[[Asked], ModelReply | Exception]


def refused(status: int = 400, *, stops_run: bool = False) -> StatusError:
    return StatusError("no such field", status=status, stops_run=stops_run)


def by_form(**replies: ModelReply | Exception) -> Replies:
    """What is not named is prose; the usual form is asked for without a word."""
    return lambda asked: replies.get(asked.request.form or REPLY_FORMS[0], PROSE)


class Judging:
    """One judge about prompts of some completions, one prompt after the other."""

    def __init__(self, replies: Replies, known: JudgeReplies | None = None, **model: Any) -> None:
        self.asks: Any = FakeAsks(replies)
        self.kept, self.said = list[JudgeReplies](), list[str]()
        config = ModelConfig.model_validate({"provider": "openai", "model": "m", **model})
        self.first = FirstReplies(
            self.asks, {"m": config}, known=known, keep=self.kept.append, say=self.said.append
        )

    def judge(
        self, *completions: int, prompts: Sequence[str] = (), **judge: Any
    ) -> list[list[Judgment]]:
        """``completions``: of each prompt."""
        panel = TriedPanel(
            [JudgeConfig.model_validate({"model": "m", **judge})], make_rubric(), self.first
        )

        async def all_prompts() -> list[list[Judgment]]:
            found = []
            for number, count in enumerate(completions):
                name = prompts[number] if prompts else f"p{number}"
                drawn = [make_completion(f"Answer {i} of {number}.", i) for i in range(count)]
                found.append(await panel.judge(make_prompt(id=name), drawn))
            return found

        return asyncio.run(all_prompts())

    @property
    def forms(self) -> list[str]:
        return [asked.request.form or REPLY_FORMS[0] for asked in self.asks.asked]


@pytest.mark.parametrize(
    ("replies", "form"),
    [
        (by_form(json_schema=GOOD), "json_schema"),
        (by_form(tool=GOOD, instruction=GOOD), "tool"),
        (by_form(instruction=GOOD), "instruction"),
        (by_form(json_schema=says(""), tool=GOOD), "tool"),
        (by_form(json_schema=says('{"answer": 4}'), tool=GOOD), "tool"),
        (by_form(json_schema=says("```python\nprint(1)\n```"), tool=GOOD), "tool"),
        (by_form(json_schema=refused(), tool=GOOD), "tool"),
        (by_form(json_schema=refused(422, stops_run=True), tool=GOOD), "tool"),
        (by_form(json_schema=refused(500), tool=refused(400), instruction=GOOD), "instruction"),
    ],
    ids=["kept", "prose", "two ignored", "empty", "other", "code", "400", "422", "500, 400"],
)
def test_the_first_form_that_brings_a_judgment_is_kept(replies: Replies, form: str) -> None:
    judging = Judging(replies)
    first, second = judging.judge(3, 3)
    assert all(one.missing is None for one in (*first, *second))
    assert judging.kept[-1].forms == {"m": form}
    assert set(judging.forms[-3:]) == {form}
    other = form != REPLY_FORMS[0]
    assert {one.note for one in first} == ({f"asked with structured: {form}"} if other else {None})
    assert [form in said for said in judging.said] == [True] * other


def test_what_is_known_is_not_tried_again() -> None:
    known = JudgeReplies(forms={"m": "tool"}, readable=frozenset({("m", "pointwise")}))
    judging = Judging(by_form(tool=GOOD), known)
    judging.judge(4)
    assert set(judging.forms) == {"tool"}
    assert (judging.kept, judging.said) == ([], [])


@pytest.mark.parametrize("form", REPLY_FORMS)
def test_a_form_that_was_chosen_is_the_only_one(form: str) -> None:
    judging = Judging(lambda _: PROSE, structured=form)
    judging.judge(3)
    assert {asked.request.form for asked in judging.asks.asked} == {None}
    others = " or ".join(each for each in REPLY_FORMS if each != form)
    assert f"`structured: {others}`" in judging.said[0]


@pytest.mark.parametrize("readable", [0, 1, 2])
def test_one_reply_that_can_be_read_shows_that_the_form_is_kept_to(readable: int) -> None:
    def replies(asked: Asked) -> ModelReply:
        return GOOD if f"Answer {readable} of" in asked.request.messages[1].content else PROSE

    judging = Judging(replies)
    (judgments,) = judging.judge(3)
    assert [one.missing is None for one in judgments] == [i == readable for i in range(3)]
    assert set(judging.forms) == {"json_schema"}


def test_what_is_readable_at_the_first_try_is_asked_as_ever() -> None:
    judging = Judging(lambda _: GOOD)
    judging.judge(4, 4)
    assert {asked.request.form for asked in judging.asks.asked} == {None}
    assert len(judging.asks.asked) == 8


def test_few_questions_go_out_before_one_could_be_read() -> None:
    under_way = most = 0

    class Counting(FakeAsks):
        async def ask(self, model: str, request: Any, *, sample: int = 0) -> Any:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way) if not judging.kept else most
            try:
                return await super().ask(model, request, sample=sample)
            finally:
                under_way -= 1

    judging = Judging(lambda _: GOOD)
    judging.first._asks = Counting(lambda _: GOOD)
    (judgments,) = judging.judge(30)
    assert most == AT_ONCE
    assert len(judgments) == 30


@pytest.mark.parametrize(
    ("judge", "completions", "model"),
    [
        ({}, 4, {}),
        ({}, 4, {"structured": "json_schema"}),
        ({}, 4, {"structured": "instruction"}),
        ({"protocol": "pairwise"}, 3, {}),
        ({"protocol": "listwise"}, 4, {}),
        ({"criteria": "separate"}, 3, {"structured": "tool"}),
        ({"repeats": 2}, 3, {"structured": "tool"}),
    ],
)
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_judge_of_which_nothing_can_be_read_stops_the_run_soon(
    judge: dict[str, Any], completions: int, model: dict[str, Any], finish: Any
) -> None:
    judging = Judging(lambda _: says(PROSE.text, finish), **model)
    with pytest.raises(UnreadableJudgeError) as stopped:
        judging.judge(*[completions] * 30, **judge)
    said = str(stopped.value)
    assert "I like the second one." in said
    assert "\x1b" not in said
    assert "`max_tokens` of the judge" in said
    assert "same command again" in said
    assert stopped.value.stops_run
    assert MOST_UNREADABLE <= len(judging.asks.asked) <= 2 * MOST_UNREADABLE + 4
    assert len(judging.said) == 1, "a word after the first prompt"


def test_one_odd_prompt_stops_nothing_however_often_it_is_judged() -> None:
    def replies(asked: Asked) -> ModelReply:
        return PROSE if "of 0." in str(asked.request.messages) else GOOD

    first, second = Judging(replies).judge(12, 3)
    assert all(one.missing_kind == "unread" for one in first)
    assert all(one.missing is None for one in second)


def test_a_judge_that_could_be_read_before_is_not_stopped_by_a_streak() -> None:
    def replies(asked: Asked) -> ModelReply:
        return GOOD if "of 0." in str(asked.request.messages) else PROSE

    found = Judging(replies).judge(3, *[4] * 20)
    assert all(one.missing_kind == "unread" for judgments in found[1:] for one in judgments)


@pytest.mark.parametrize(
    "reply",
    [says("No.", "refusal"), says("", "content_filter"), refused(403), refused(413)],
    ids=["refused", "filtered", "forbidden", "too large"],
)
def test_what_is_about_the_content_tells_nothing_of_the_form(
    reply: ModelReply | Exception,
) -> None:
    judging = Judging(lambda _: reply)
    found = judging.judge(*[4] * (MOST_WITHHELD - 1))
    assert all(one.missing for judgments in found for one in judgments)
    assert set(judging.forms) == {"json_schema"}
    assert judging.said == []


@pytest.mark.parametrize(
    "reply",
    [
        says("I cannot.", "refusal"),
        says("", "content_filter"),
        FlaggedInputError("flagged", status=400),
    ],
    ids=["refused", "filtered", "flagged"],
)
def test_refusals_about_many_prompts_and_nothing_else_stop_the_run(
    reply: ModelReply | Exception,
) -> None:
    judging = Judging(lambda _: reply)
    with pytest.raises(UnreadableJudgeError, match="only refusals about each of 12 prompts"):
        judging.judge(*[1] * MOST_WITHHELD)
    assert len(judging.asks.asked) == MOST_WITHHELD


def test_refusals_stop_no_run_once_anything_was_read() -> None:
    def replies(asked: Asked) -> ModelReply:
        return GOOD if "of 3." in str(asked.request.messages) else says("", "content_filter")

    assert len(Judging(replies).judge(*[2] * 20)) == 20


def test_what_refuses_every_form_is_told_by_the_first_refusal() -> None:
    error = refused(stops_run=True)
    judging = Judging(by_form(json_schema=error, tool=refused(), instruction=refused()))
    with pytest.raises(StatusError) as stopped:
        judging.judge(3)
    assert stopped.value is error
    assert {"tool", "instruction"} <= set(judging.forms)


class TestWhenPromptsMayBeginTogether:
    """A start that goes on knows some judges; one that is new to the folder is still in doubt."""

    KNOWN = JudgeReplies(readable=frozenset({("m", "pointwise")}))
    JUDGE = JudgeConfig(model="m")

    def first(self, *at_once: JudgeConfig) -> FirstReplies:
        config = ModelConfig.model_validate({"provider": "openai", "model": "m"})
        asks: Any = FakeAsks(lambda _: GOOD)
        models = dict.fromkeys(("m", "other"), config)
        return FirstReplies(asks, models, at_once=at_once, known=self.KNOWN)

    def test_at_once_where_all_judges_could_be_read_before(self) -> None:
        assert self.first(self.JUDGE).is_settled

    def test_once_a_prompt_was_judged_where_one_is_new(self) -> None:
        first = self.first(self.JUDGE, JudgeConfig(model="other"))
        assert not first.is_settled
        panel = TriedPanel([self.JUDGE], make_rubric(), first)
        asyncio.run(panel.judge(make_prompt(), [make_completion("An answer.", 0)]))
        assert first.is_settled, "it was asked about that prompt too, or will not be about all"
