"""Decision models as judges: typed questions out, checked probabilities in."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from judgeforge.calls.providers.base import (
    DecisionAnswer,
    DecisionQuestion,
    DecisionRequest,
    ModelReply,
    Usage,
)
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import NoReplyError, StatusError
from judgeforge.judging.judge_prompts import judge_messages
from judgeforge.judging.material import answers_by_id
from judgeforge.judging.protocols.decisions import DecisionJudge
from judgeforge.judging.replies.decisions import answers_by_name
from judgeforge.records import Judgment, Question
from tests.support.fake_asks import (
    FakeAsks,
    decides,
    in_turn,
    make_completion,
    make_prompt,
    make_rubric,
)

RUBRIC, PROMPT = make_rubric(guidance="Be fair."), make_prompt(reference="Four.")
COMPLETIONS = {f"p1.c{i}": make_completion(text, i) for i, text in enumerate(["Four.", "Five."])}
ROW = tuple(answers_by_id(COMPLETIONS).values())
LEVELS = {"3": 0.5, "4": 0.5}
QUALITY = DecisionAnswer("quality", probabilities=LEVELS, position=3.5)
SAFE = DecisionAnswer("safe", probabilities={"yes": 0.8})
REFUSED = DecisionAnswer("safe", refused=True)


def judge(asks: FakeAsks, **fields: object) -> DecisionJudge:
    config = JudgeConfig.model_validate({"model": "jev", "protocol": "decisions", **fields})
    return DecisionJudge(config, RUBRIC, asks)


def ask(reply: ModelReply | Exception, *ids: str, **fields: object) -> tuple[Judgment, FakeAsks]:
    asks = FakeAsks(in_turn(reply))
    question = Question(judge="jev", completion_ids=ids or ("p1.c0",))
    return asyncio.run(judge(asks, **fields).ask(PROMPT, COMPLETIONS, question)), asks


def test_a_reader_that_fails_unexpectedly_is_a_missing_judgment_that_names_the_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("quality")

    monkeypatch.setattr("judgeforge.judging.protocols.decisions.score_of_answers", broken)
    judgment = scored(QUALITY, SAFE)
    assert judgment.missing_kind == "reading_failed"
    assert judgment.missing is not None
    assert judgment.missing.endswith("failed unexpectedly: KeyError: 'quality'")
    assert judgment.cost_usd == 0.25


def scored(*answers: DecisionAnswer) -> Judgment:
    return ask(decides(*answers))[0]


class TestTheRequest:
    def test_asks_the_whole_rubric_at_once_of_one_state(self) -> None:
        _, asks = ask(decides(QUALITY, SAFE))
        (asked,) = asks.asked
        levels = tuple(zip("12345", "abcde", strict=True))
        assert asked.request == DecisionRequest(
            judge_messages("decisions", RUBRIC, PROMPT, ["Four."], row=ROW),
            (
                DecisionQuestion("quality", "levels", "How good is it?", levels),
                DecisionQuestion("safe", "yes_no", "Is it safe?"),
            ),
        )

    def test_holds_guidance_reference_and_completion_in_the_state(self) -> None:
        system, user = judge_messages("decisions", RUBRIC, PROMPT, ["Four."])
        assert "Be fair." in system.content
        assert "reference-" in user.content
        assert "How good is it?" not in system.content + user.content

    def test_about_two_completions_is_one_choice_by_the_whole_rubric(self) -> None:
        better = DecisionAnswer("better", probabilities={"A": 0.7, "B": 0.2, "tie": 0.1})
        _, asks = ask(decides(better), "p1.c1", "p1.c0", pairs=True)
        request = asks.asked[0].request
        assert request.messages == judge_messages(
            "decisions", RUBRIC, PROMPT, ["Five.", "Four."], row=ROW
        )
        (question,) = request.questions
        assert [name for name, _ in question.options] == ["A", "B", "tie"]
        assert "How good is it?" in question.instructions
        assert "Is it safe?" in question.instructions


def test_one_round_is_a_question_a_completion_or_both_orders_of_every_pair() -> None:
    asks = FakeAsks(in_turn())
    ids = ["p1.c0", "p1.c1"]
    single = judge(asks).questions(ids, 0)
    assert [question.completion_ids for question in single] == [("p1.c0",), ("p1.c1",)]
    pairs = judge(asks, pairs=True).questions(ids, 0)
    assert [question.completion_ids for question in pairs] == [
        ("p1.c0", "p1.c1"),
        ("p1.c1", "p1.c0"),
    ]


class TestAScore:
    def test_is_expected_over_the_distributions_with_their_uncertainty(self) -> None:
        judgment = scored(QUALITY, SAFE)
        assert judgment.criteria == pytest.approx({"quality": 0.875, "safe": 0.8})
        assert judgment.score == pytest.approx((3 * 0.875 + 0.8) / 4)
        variance = (3 / 4) ** 2 * 0.125**2 + (1 / 4) ** 2 * 0.16
        assert judgment.score_sd == pytest.approx(math.sqrt(variance))
        assert judgment.probabilities is not None
        assert judgment.probabilities["quality.4"] == 0.5
        assert judgment.probabilities["safe.yes"] == 0.8
        assert (judgment.weight, judgment.note, judgment.call) == (4, None, "key-1")

    def test_without_distributions_is_the_expected_level_without_uncertainty(self) -> None:
        judgment = scored(DecisionAnswer("quality", position=3.5), SAFE)
        assert judgment.criteria == pytest.approx({"quality": 0.875, "safe": 0.8})
        assert judgment.score_sd is None
        assert judgment.note == "no distribution came for `quality`"

    def test_stands_without_what_the_model_declined_and_is_less_certain(self) -> None:
        judgment = scored(QUALITY, REFUSED)
        assert (judgment.score, judgment.weight) == (0.875, 3)
        assert judgment.score_sd == pytest.approx(math.hypot(0.75 * 0.125, 0.25 * 0.3))
        assert judgment.note is not None
        assert "`safe`: the model declined to answer" in judgment.note

    def test_is_missing_where_most_of_the_rubric_got_no_answer(self) -> None:
        judgment = scored(SAFE)
        assert judgment.missing == "`quality`: the reply has no answer to it"
        assert (judgment.score, judgment.criteria, judgment.call) == (None, {}, "key-1")

    @pytest.mark.parametrize(
        ("quality", "why"),
        [
            (DecisionAnswer("quality", probabilities={"3": 0.5, "4": 0.4}), "sum to 0.900"),
            (DecisionAnswer("quality", probabilities={"3": 1.5, "4": -0.5}), "not from 0 to 1"),
            (DecisionAnswer("quality", probabilities={"5": 1.0}), "`5`, which was not asked"),
            (DecisionAnswer("quality", position=4.5), "no level from 0 to 4"),
            (DecisionAnswer("quality", position=math.nan), "no level from 0 to 4"),
            (DecisionAnswer("quality"), "no level from 0 to 4"),
            (DecisionAnswer("quality", probabilities={"3": math.nan}), "not from 0 to 1"),
        ],
    )
    def test_is_never_made_of_insane_numbers(self, quality: DecisionAnswer, why: str) -> None:
        judgment = scored(quality, SAFE)
        assert judgment.missing is not None
        assert why in judgment.missing


class TestAComparison:
    def test_is_a_verdict_with_its_probabilities(self) -> None:
        better = DecisionAnswer("better", probabilities={"A": 0.25, "B": 0.65, "tie": 0.1})
        judgment, _ = ask(decides(better), "p1.c1", "p1.c0", pairs=True)
        assert (judgment.verdict, judgment.completion_ids) == ("b", ("p1.c1", "p1.c0"))
        assert judgment.strength == pytest.approx(0.4)
        assert judgment.probabilities == pytest.approx({"a": 0.25, "b": 0.65, "tie": 0.1})

    def test_without_probabilities_is_the_choice_with_a_note(self) -> None:
        judgment, _ = ask(decides(DecisionAnswer("better", choice="A")), "p1.c0", "p1.c1")
        assert (judgment.verdict, judgment.probabilities) == ("a", None)
        assert judgment.note is not None

    @pytest.mark.parametrize(
        "answer",
        [
            DecisionAnswer("better", refused=True),
            DecisionAnswer("better", choice="C"),
            DecisionAnswer("other", choice="A"),
        ],
    )
    def test_is_missing_where_there_is_no_choice(self, answer: DecisionAnswer) -> None:
        judgment, _ = ask(decides(answer), "p1.c0", "p1.c1")
        assert judgment.missing is not None
        assert judgment.missing.startswith("which is better: ")
        assert judgment.verdict is None


def test_a_failed_call_is_a_missing_judgment_unless_it_stops_the_run() -> None:
    judgment, _ = ask(NoReplyError("timed out"))
    assert judgment.missing == "call failed: timed out"
    with pytest.raises(StatusError):
        ask(StatusError("no decision model", status=501, stops_run=True))


def test_answers_without_names_count_by_their_place() -> None:
    questions = (DecisionQuestion("one", "yes_no", "?"), DecisionQuestion("two", "yes_no", "?"))
    first, second = (DecisionAnswer(None, probabilities={"yes": p}) for p in (0.1, 0.9))
    assert answers_by_name(questions, (first, second)) == {"one": first, "two": second}
    assert answers_by_name(questions, (first,)) == {}


def test_the_model_that_answered_is_kept_and_too_few_tokens_are_no_judgment() -> None:
    prompt = make_prompt("Which of these words is the longest one? " * 2_000)
    reply = replace(decides(QUALITY, SAFE), model="jev-2", usage=Usage(2048, 0))
    question = Question(judge="jev", completion_ids=("p1.c0",))
    asked = judge(FakeAsks(in_turn(reply))).ask(prompt, COMPLETIONS, question)
    judgment = asyncio.run(asked)
    assert (judgment.answered_model, judgment.input_tokens_read) == ("jev-2", 2048)
    assert judgment.note is not None
    assert "2,048 tokens of a longer input" in judgment.note
    assert (judgment.score, judgment.missing_kind) == (None, "input_cut")
