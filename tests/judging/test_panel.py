"""A panel: checks and all judges on all completions at once, in an order that never varies."""

from __future__ import annotations

import asyncio

import pytest

from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import BudgetExhaustedError
from judgeforge.judging.panel import Panel
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Judgment, Question
from tests.support.fake_asks import Asked, FakeAsks, make_completion, make_prompt, make_rubric, says

CHECK = {"name": "brief", "check": {"max_words": 2}}
ASKED = {"name": "safe", "yes_no": "Is it safe?"}
COMPLETIONS = [make_completion("Four.", 0), make_completion("It is four.", 1)]
JUDGES = [JudgeConfig(model="small", repeats=2), JudgeConfig(model="big")]


def yes(_: Asked) -> ModelReply:
    return says('{"rationale": "", "scores": {"safe": true}}')


def judge_all(rubric: Rubric, asks: FakeAsks) -> list[Judgment]:
    return asyncio.run(Panel(JUDGES, rubric, asks).judge(make_prompt(), COMPLETIONS))


def test_gives_every_judgment_once_checks_first_in_a_fixed_order() -> None:
    judgments = judge_all(make_rubric(criteria=[ASKED, CHECK]), FakeAsks(yes))
    assert [judgment.id for judgment in judgments] == [
        "p1.c0.checks",
        "p1.c1.checks",
        "p1.c0.small.r0",
        "p1.c1.small.r0",
        "p1.c0.small.r1",
        "p1.c1.small.r1",
        "p1.c0.big.r0",
        "p1.c1.big.r0",
    ]
    assert [judgment.score for judgment in judgments[:2]] == [1.0, 0.0]


def test_asks_all_at_once() -> None:
    """Each question is answered only once all six are asked."""
    asks = FakeAsks(yes)
    ready = asyncio.Event()
    plain = asks.ask

    async def ask(model: str, request: object, *, sample: int = 0) -> object:
        answer = await plain(model, request, sample=sample)  # type: ignore[arg-type]
        if len(asks.asked) == 6:
            ready.set()
        await asyncio.wait_for(ready.wait(), 5)
        return answer

    asks.ask = ask  # type: ignore[method-assign, assignment]
    assert len(judge_all(make_rubric(criteria=[ASKED]), asks)) == 6


def test_asks_no_judge_where_code_verifies_everything() -> None:
    asks = FakeAsks(yes)
    judgments = judge_all(make_rubric(criteria=[CHECK]), asks)
    assert [judgment.judge for judgment in judgments] == ["checks", "checks"]
    assert asks.asked == []


def test_asks_just_the_questions_given_in_their_order() -> None:
    asks = FakeAsks(yes)
    panel = Panel(JUDGES, make_rubric(criteria=[ASKED]), asks)
    again = panel.questions("small", COMPLETIONS[1:], repeat=5)
    first = panel.questions("big", COMPLETIONS)
    assert again == [Question(judge="small", completion_ids=("p1.c1",), repeat=5)]
    judgments = asyncio.run(panel.ask(make_prompt(), COMPLETIONS, [*again, *first]))
    assert [judgment.id for judgment in judgments] == [
        "p1.c1.small.r5",
        "p1.c0.big.r0",
        "p1.c1.big.r0",
    ]
    assert [(asked.model, asked.sample) for asked in asks.asked] == [
        ("small", 5),
        ("big", 0),
        ("big", 0),
    ]


def test_has_no_questions_where_nothing_is_left_to_a_judge() -> None:
    panel = Panel(JUDGES, make_rubric(criteria=[CHECK]), FakeAsks(yes))
    assert panel.questions("small", COMPLETIONS) == []
    checked = asyncio.run(panel.check(make_prompt(), COMPLETIONS))
    assert [judgment.score for judgment in checked] == [1.0, 0.0]


def test_gives_up_the_other_questions_where_one_stops_the_run() -> None:
    asks = FakeAsks(lambda _: BudgetExhaustedError("nothing left"))
    with pytest.raises(BudgetExhaustedError):
        judge_all(make_rubric(criteria=[ASKED]), asks)
