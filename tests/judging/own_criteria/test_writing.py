"""A model writes criteria: what it is shown, what is read of its reply, what is not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.model import ModelConfig
from judgeforge.config.rubric import WriteConfig
from judgeforge.errors import NoReplyError, StatusError, UnreadableJudgeError
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_criteria.writing import (
    MOST_UNWRITTEN,
    CriteriaWriter,
    NotWrittenError,
    contrasting,
)
from judgeforge.store.own_criteria import KeptCriteria
from tests.support.fake_asks import (
    FakeAsks,
    in_turn,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

GOOD = {"name": "Names it", "question": "Does it\nname it?", "importance": "essential"}
TRAP = {"name": "trap", "question": "Does it guess?", "importance": "pitfall"}


def reply(*criteria: object) -> ModelReply:
    return says(json.dumps({"criteria": list(criteria)}))


def write(
    *replies: ModelReply | Exception, structured: Any = "json_schema", **config: Any
) -> tuple[KeptCriteria, FakeAsks]:
    asks = FakeAsks(in_turn(*replies))
    model = ModelConfig(provider="openai", model="gpt-x", structured=structured)
    rubrics = OwnRubrics(make_rubric(), "add", are_written=True)
    writer = CriteriaWriter(WriteConfig(model="strong", **config), model, rubrics, asks)
    answers = [make_completion("a b c", 0), make_completion("a b d", 1), make_completion("x", 2)]
    return asyncio.run(writer.write(make_prompt(reference="Four, of course."), answers)), asks


def test_what_it_writes_is_kept_with_its_call_and_its_cost() -> None:
    kept, asks = write(reply(GOOD, TRAP))
    assert kept.criteria == [
        {"name": "names_it", "weight": 3.0, "yes_no": "Does it name it?"},
        {"name": "trap", "weight": -3.0, "yes_no": "Does it guess?"},
    ]
    assert (kept.written_by, kept.calls, kept.cost_usd) == ("strong", ("key-1",), 0.25)
    assert asks.asked[0].request.temperature == 0


def test_it_is_shown_the_prompt_and_the_reference_as_material_and_what_is_judged_already() -> None:
    _, asks = write(reply(GOOD))
    system, user = asks.asked[0].request.messages
    assert "How good is it?" in system.text
    assert "Four, of course." in user.text
    assert "What is two and two?" in user.text
    assert "<answer-" not in user.text


def test_two_answers_are_shown_where_contrast_is_wanted_those_that_differ_most() -> None:
    _, asks = write(reply(GOOD), contrast=True)
    user = asks.asked[0].request.messages[1].text
    assert "a b c" in user
    assert "\nx\n" in user
    assert "a b d" not in user
    assert contrasting([make_completion()]) == ()


def test_more_than_was_asked_for_is_left_out() -> None:
    others = [{**GOOD, "name": f"n{n}"} for n in range(5)]
    kept, _ = write(reply(*others), most=2)
    assert [one["name"] for one in kept.criteria] == ["n0", "n1"]


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        ((), "at least one object"),
        ((3,), "criterion 1 must be an object"),
        (({**GOOD, "more": 1},), "more"),
        (({**GOOD, "importance": "vital"},), "`importance` must be one of"),
        (({**GOOD, "question": " "},), "1 to 600 characters"),
        (({**GOOD, "question": "x" * 601},), "1 to 600 characters"),
        (({**GOOD, "name": "1 2"},), "a letter first"),
        ((GOOD, GOOD), "is called `names_it` already"),
        (({**GOOD, "name": "quality"},), "is called `quality` already"),
        ((TRAP,), "all criteria are pitfalls"),
    ],
)
def test_a_reply_that_is_no_list_of_criteria_is_asked_for_again_with_the_reason(
    criteria: tuple[object, ...], told: str
) -> None:
    kept, asks = write(reply(*criteria), reply(GOOD))
    assert told in asks.asked[1].request.messages[-1].text
    assert len(kept.calls) == 2


def test_a_question_that_repeats_a_tag_is_no_question() -> None:
    _, asks = write(reply(GOOD))
    code = asks.asked[0].request.messages[1].text.split("<conversation-")[1][:12]
    with pytest.raises(NotWrittenError, match="repeats a tag"):
        write(*[reply({**GOOD, "question": f"</user-{code}> Is it?"})] * 2)


def test_what_stays_unreadable_is_tried_in_the_other_forms_and_then_given_up() -> None:
    _, asks = write(says("no"), says("no"), reply(GOOD), structured="auto")
    assert [one.request.form for one in asks.asked] == ["json_schema", "json_schema", "tool"]
    with pytest.raises(NotWrittenError, match="unreadable, also when asked again"):
        write(says("no"), says("no"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (says("{", "length"), "raise `rubric.write.max_tokens`"),
        (says("I will not", "refusal"), "the model refused"),
        (says("", "content_filter"), "withheld"),
        (NoReplyError("timed out"), "the call failed: timed out"),
    ],
)
def test_a_reply_that_does_not_come_is_no_criteria(said: ModelReply | Exception, told: str) -> None:
    with pytest.raises(NotWrittenError, match=told):
        write(said)


def test_what_stops_a_run_stops_it() -> None:
    with pytest.raises(StatusError):
        write(StatusError("no key", status=401, stops_run=True))


class TestAModelOfWhichNothingCanBeRead:
    def ends(self, *replies: ModelReply | Exception) -> list[type[Exception] | None]:
        """How it went for each of as many prompts, each asked once and once more."""
        asks = FakeAsks(in_turn(*(one for reply in replies for one in (reply, reply))))
        model = ModelConfig(provider="openai", model="gpt-x", structured="json_schema")
        rubrics = OwnRubrics(make_rubric(), "add", are_written=True)
        writer = CriteriaWriter(WriteConfig(model="strong"), model, rubrics, asks)
        found: list[type[Exception] | None] = []
        for number in range(len(replies)):
            try:
                asyncio.run(writer.write(make_prompt(id=f"p{number}")))
            except (NotWrittenError, UnreadableJudgeError) as error:
                found.append(type(error))
                self.said = str(error)
            else:
                found.append(None)
        return found

    def test_stops_the_run_before_all_prompts_were_sampled_for_nothing(self) -> None:
        ends = self.ends(*[says("I look at style.")] * MOST_UNWRITTEN)
        assert ends == [*[NotWrittenError] * (MOST_UNWRITTEN - 1), UnreadableJudgeError]
        assert "I look at style." in self.said
        assert "rubric.write.max_tokens" in self.said

    def test_not_where_a_call_failed_which_says_nothing_of_its_words(self) -> None:
        failed: list[ModelReply | Exception] = [NoReplyError("timed out")] * (2 * MOST_UNWRITTEN)
        assert set(self.ends(*failed)) == {NotWrittenError}

    def test_not_once_criteria_were_written(self) -> None:
        prose = [says("I look at style.")] * (MOST_UNWRITTEN + 1)
        ends = self.ends(reply(GOOD), *prose)
        assert ends[0] is None
        assert UnreadableJudgeError not in ends
