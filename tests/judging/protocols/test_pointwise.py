"""A pointwise judge: one request, at most one repair, and nothing guessed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from judgeforge.calls.providers.base import ModelReply, Usage
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import BudgetExhaustedError, InterruptedRunError, NoReplyError, StatusError
from judgeforge.judging.judge_prompts import judge_messages
from judgeforge.judging.protocols.pointwise import PointwiseJudge
from judgeforge.records import Judgment
from tests.support.fake_asks import (
    FakeAsks,
    by_criterion,
    in_turn,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

GOOD = '{"rationale": "Right.", "scores": {"quality": 4, "safe": false}}'
BAD = '{"rationale": "Right.", "scores": {"quality": 7, "safe": false}}'
PROMPT, COMPLETION, RUBRIC = make_prompt(), make_completion(), make_rubric()


def judge_with(
    *replies: ModelReply | Exception,
    cost_usd: float | None = 0.25,
    repeat: int = 0,
    **fields: object,
) -> tuple[Judgment, FakeAsks]:
    asks = FakeAsks(in_turn(*replies), cost_usd=cost_usd)
    config = JudgeConfig.model_validate({"model": "big", **fields})
    judge = PointwiseJudge(config, RUBRIC, asks)
    (question,) = judge.questions(["p1.c0"], repeat)
    return asyncio.run(judge.ask(PROMPT, {"p1.c0": COMPLETION}, question)), asks


class TestTheRequest:
    def test_holds_the_rubric_and_what_is_judged(self) -> None:
        _, asks = judge_with(says(GOOD))
        (asked,) = asks.asked
        assert asked.model == "big"
        assert asked.request.messages == judge_messages(
            "pointwise", RUBRIC, PROMPT, [COMPLETION.text]
        )

    def test_asks_for_the_schema_of_the_rubric_with_the_limits_of_the_judge(self) -> None:
        _, asks = judge_with(says(GOOD), max_tokens=99, temperature=0.3)
        request = asks.asked[0].request
        assert (request.max_tokens, request.temperature, request.seed) == (99, 0.3, None)
        assert request.reply_schema is not None
        assert list(request.reply_schema.schema["properties"]) == ["rationale", "scores"]

    def test_is_at_temperature_0_or_1_where_it_is_repeated(self) -> None:
        assert judge_with(says(GOOD))[1].asked[0].request.temperature == 0
        assert judge_with(says(GOOD), repeats=2)[1].asked[0].request.temperature == 1

    def test_is_drawn_anew_for_every_repeat(self) -> None:
        judgment, asks = judge_with(says(GOOD), repeats=3, repeat=2)
        assert asks.asked[0].sample == 2
        assert (judgment.id, judgment.repeat) == ("p1.c0.big.r2", 2)


class TestWhatTheServerSays:
    LONG = make_prompt("Which of these words is the longest one? " * 2_000)

    def asked(self, *replies: ModelReply) -> Judgment:
        judge = PointwiseJudge(
            JudgeConfig.model_validate({"model": "big"}), RUBRIC, FakeAsks(in_turn(*replies))
        )
        (question,) = judge.questions(["p1.c0"], 0)
        return asyncio.run(judge.ask(self.LONG, {"p1.c0": COMPLETION}, question))

    @pytest.mark.parametrize("first", [BAD, ""])
    def test_names_each_model_that_answered_once(self, first: str) -> None:
        judgment = self.asked(replace(says(first), model="m-1"), replace(says(GOOD), model="m-2"))
        assert judgment.answered_model == "m-1, m-2"
        judgment = self.asked(replace(says(first), model="m-1"), replace(says(GOOD), model="m-1"))
        assert judgment.answered_model == "m-1"

    def test_is_kept_where_the_reply_is_no_judgment(self) -> None:
        reply = replace(says(BAD), model="m-1", usage=Usage(2048, 1))
        judgment = self.asked(reply, reply)
        assert judgment.missing_kind == "input_cut", "its words are of what it did not read"
        assert (judgment.answered_model, judgment.input_tokens_read) == ("m-1", 2048)

    def test_of_fewer_tokens_than_any_context_has_is_a_note_alone(self) -> None:
        judgment = self.asked(replace(says(GOOD), usage=Usage(100, 1)))
        assert judgment.missing is None, (
            "a server that counts nothing says 1, or 100, of all it is sent"
        )
        assert judgment.input_tokens_read == 100

    def test_of_too_few_tokens_is_no_judgment_but_a_note_and_a_number(self) -> None:
        judgment = self.asked(replace(says(GOOD), usage=Usage(2048, 1)))
        assert judgment.input_tokens_read == 2048
        assert (judgment.score, judgment.missing_kind) == (None, "input_cut")
        assert "`context_tokens`" in str(judgment.missing)
        assert judgment.note is not None
        assert judgment.note.startswith("the server counted 2,048 tokens of a longer input")

    @pytest.mark.parametrize("counted", [1, 100, 255])
    def test_of_fewer_tokens_than_any_context_is_a_note_only(self, counted: int) -> None:
        judgment = self.asked(replace(says(GOOD), usage=Usage(counted, 1)))
        assert judgment.score is not None, "the server counts what its cache did not have, say"
        assert (judgment.missing_kind, judgment.input_tokens_read) == (None, counted)
        assert "counts a part of it only" in str(judgment.note)

    def test_of_plausible_tokens_is_nothing(self) -> None:
        judgment = self.asked(replace(says(GOOD), usage=Usage(16_000, 1)))
        assert (judgment.input_tokens_read, judgment.note) == (None, None)


class TestAJudgment:
    def test_holds_scores_rationale_call_and_cost(self) -> None:
        judgment, _ = judge_with(says(GOOD), name="strict")
        assert judgment == Judgment(
            id="p1.c0.strict.r0",
            prompt_id="p1",
            completion_ids=("p1.c0",),
            judge="strict",
            protocol="pointwise",
            criteria={"quality": 0.75, "safe": 0.0},
            score=0.5625,
            weight=4,
            rationale="Right.",
            call="key-1",
            cost_usd=0.25,
        )


class TestCriteriaAskedOneByOne:
    def test_are_one_request_each_and_one_judgment(self) -> None:
        asks = FakeAsks(
            by_criterion(
                quality=says('{"rationale": "Right.", "scores": {"quality": 4}}'),
                safe=says('{"rationale": "Harmless.", "scores": {"safe": true}}'),
            )
        )
        judge = PointwiseJudge(JudgeConfig(model="big", criteria="separate"), RUBRIC, asks)
        (question,) = judge.questions(["p1.c0"], 0)
        judgment = asyncio.run(judge.ask(PROMPT, {"p1.c0": COMPLETION}, question))
        assert len(asks.asked) == 2
        assert judgment.criteria == {"quality": 0.75, "safe": 1.0}
        assert (judgment.score, judgment.weight) == (0.8125, 4)
        assert judgment.rationale == "quality: Right.\nsafe: Harmless."
        assert (judgment.call, judgment.calls) == ("key-2", ("key-1", "key-2"))
        assert judgment.cost_usd == 0.5


class TestAnUnreadableReply:
    @pytest.mark.parametrize("bad", [BAD, "A solid four.", "{}"])
    def test_is_asked_again_once_with_the_error(self, bad: str) -> None:
        judgment, asks = judge_with(says(bad), says(GOOD))
        first, second = (asked.request.messages for asked in asks.asked)
        assert second[: len(first)] == first
        said, repair = second[len(first) :]
        assert (said.role, said.content) == ("assistant", bad)
        assert repair.role == "user"
        assert "could not be read" in repair.content
        assert judgment.score == 0.5625
        assert judgment.missing is None

    def test_names_the_error_in_the_repair(self) -> None:
        _, asks = judge_with(says(BAD), says(GOOD))
        assert "`quality` must be a whole number from 1 to 5, not 7" in (
            asks.asked[1].request.messages[-1].content
        )

    def test_costs_both_calls_and_names_the_one_that_was_used(self) -> None:
        judgment, asks = judge_with(says(BAD), says(GOOD), repeat=1)
        assert (judgment.cost_usd, judgment.call) == (0.5, "key-2")
        assert judgment.calls == ("key-1", "key-2")
        assert [asked.sample for asked in asks.asked] == [1, 1]

    def test_of_unknown_cost_makes_the_whole_cost_unknown(self) -> None:
        judgment, _ = judge_with(says(BAD), says(GOOD), cost_usd=None)
        assert judgment.cost_usd is None

    def test_that_is_empty_is_quoted_as_empty(self) -> None:
        judgment, asks = judge_with(says("", "empty"), says(GOOD))
        assert asks.asked[1].request.messages[-2].content == "(empty)"
        assert judgment.score is not None

    def test_twice_is_a_missing_judgment_and_never_a_guess(self) -> None:
        judgment, asks = judge_with(says("four"), says(BAD))
        assert len(asks.asked) == 2
        assert (judgment.score, judgment.criteria, judgment.rationale) == (None, {}, None)
        assert judgment.missing is not None
        assert "also when asked again" in judgment.missing
        assert "from 1 to 5, not 7" in judgment.missing
        assert (judgment.cost_usd, judgment.call) == (0.5, "key-2")


class TestAReaderThatFailsUnexpectedly:
    @pytest.mark.parametrize("reader", ["read_scores", "joined_rationale"])
    def test_is_a_missing_judgment_that_names_the_error(
        self, monkeypatch: pytest.MonkeyPatch, reader: str
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise OverflowError("int too large")

        monkeypatch.setattr(f"judgeforge.judging.protocols.pointwise.{reader}", broken)
        judgment, asks = judge_with(says(GOOD))
        assert judgment.missing_kind == "reading_failed"
        assert judgment.missing is not None
        assert judgment.missing.endswith("failed unexpectedly: OverflowError: int too large")
        assert (judgment.score, judgment.cost_usd, len(asks.asked)) == (None, 0.25, 1)


class TestAJudgeThatDoesNotAnswer:
    @pytest.mark.parametrize(
        ("reply", "kind", "expected"),
        [
            (
                says("I cannot judge this.", "refusal"),
                "refused",
                "the judge refused: I cannot judge this.",
            ),
            (says("", "content_filter"), "withheld", "content filter"),
            (
                says(GOOD[:20], "length"),
                "cut",
                "cut at max_tokens = 64; raise `max_tokens` of judge `big`",
            ),
        ],
    )
    @pytest.mark.parametrize("repaired", [False, True])
    def test_gives_a_missing_judgment_in_its_own_words(
        self, reply: ModelReply, kind: str, expected: str, repaired: bool
    ) -> None:
        before = [says("four")] if repaired else []
        judgment, asks = judge_with(*before, reply, max_tokens=64)
        assert judgment.missing is not None
        assert expected in judgment.missing
        assert (judgment.missing_kind, judgment.score) == (kind, None)
        assert len(asks.asked) == len(before) + 1

    def test_unless_the_object_was_whole_when_the_reply_was_cut(self) -> None:
        """Some models go on with blanks after it until no token is left."""
        judgment, asks = judge_with(says(GOOD + "\n" * 40, "length"))
        assert (judgment.missing, len(asks.asked)) == (None, 1)
        assert judgment.score is not None

    def test_is_read_where_its_server_took_the_whole_reply_for_thoughts(self) -> None:
        judgment, _ = judge_with(replace(says("", "empty"), reasoning=GOOD))
        assert judgment.missing is None
        thought, asks = judge_with(*[replace(says("", "empty"), reasoning="Rating: [[4]]")] * 2)
        assert (thought.missing_kind, len(asks.asked)) == ("unread", 2)

    @pytest.mark.parametrize(
        "error", [StatusError("too many requests", status=429), NoReplyError("timed out")]
    )
    def test_gives_a_missing_judgment_where_the_call_failed(self, error: Exception) -> None:
        judgment, _ = judge_with(error)
        assert judgment.missing == f"call failed: {error}"
        assert judgment.call is None

    def test_keeps_the_cost_of_the_first_call_where_the_repair_failed(self) -> None:
        judgment, _ = judge_with(says("four"), NoReplyError("timed out"))
        assert judgment.missing == "call failed: timed out"
        assert (judgment.cost_usd, judgment.call) == (0.25, "key-1")

    @pytest.mark.parametrize(
        "error",
        [
            StatusError("wrong key", status=401, stops_run=True),
            BudgetExhaustedError("nothing left"),
            InterruptedRunError("stopping"),
        ],
    )
    @pytest.mark.parametrize("repaired", [False, True])
    def test_stops_the_run_where_no_call_can_succeed(
        self, error: Exception, repaired: bool
    ) -> None:
        with pytest.raises(type(error)):
            judge_with(*([says("four")] if repaired else []), error)
