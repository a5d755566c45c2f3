"""A prompt is asked about step by step: what was said decides what is asked next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.escalation import Escalation
from judgeforge.judging.panel import Panel
from judgeforge.judging.rubric import Rubric
from judgeforge.ranking.reliability.judges import PRIOR, Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Completion, Judgment
from tests.support.fake_asks import Asked, FakeAsks, make_completion, make_prompt, make_rubric, says

CHEAP, STRONG = JudgeConfig(model="cheap"), JudgeConfig(model="strong", tier=2)
ANSWERS = ["Four.", "Five, I think.", "Six or so."]


def scoring(levels: dict[str, int]) -> Callable[[Asked], object]:
    """A judge that gives each answer its level of the quality criterion (1 to 5)."""

    def reply(asked: Asked) -> object:
        text = asked.request.messages[-1].content
        level = next(level for answer, level in levels.items() if answer in text)
        scores = {"quality": level, "safe": True}
        return says(json.dumps({"rationale": "because", "scores": scores}))

    return reply


async def known() -> Reliability:
    return PRIOR


def judged(
    asks: FakeAsks,
    judges: list[JudgeConfig],
    rules: CascadeRules,
    *,
    rubric: Rubric | None = None,
    price: Callable[..., float | None] = lambda *_: 1.0,
) -> list[Judgment]:
    escalation = Escalation(Panel(judges, rubric or make_rubric(), asks), rules, price)
    return asyncio.run(escalation.judge(make_prompt(), completions(), known))


def completions() -> list[Completion]:
    return [make_completion(text, index) for index, text in enumerate(ANSWERS)]


def by_judge(judgments: list[Judgment], judge: str) -> list[str]:
    return [j.completion_ids[0].split(".")[-1] for j in judgments if j.judge == judge]


def test_a_clear_winner_needs_no_second_tier() -> None:
    asks = FakeAsks(scoring({ANSWERS[0]: 5, ANSWERS[1]: 1, ANSWERS[2]: 1}))
    made = judged(asks, [CHEAP, STRONG], CascadeRules(target_confidence=0.9))
    assert by_judge(made, "cheap") == ["c0", "c1", "c2"]
    assert by_judge(made, "strong") == []


def test_only_those_that_can_win_are_judged_again() -> None:
    asks = FakeAsks(scoring({ANSWERS[0]: 5, ANSWERS[1]: 5, ANSWERS[2]: 1}))
    rules = CascadeRules(target_confidence=0.99, min_gain=0.0)
    made = judged(asks, [CHEAP, STRONG], rules)
    assert set(by_judge(made, "strong")) == {"c0", "c1"}


def test_what_fails_a_required_check_cannot_win_and_is_not_judged_again() -> None:
    criteria = [
        {"name": "quality", "weight": 3, "question": "How good is it?", "levels": list("abcde")},
        {"name": "safe", "weight": 1, "yes_no": "Is it safe?"},
        {"name": "brief", "weight": 1, "check": {"max_words": 1}, "required": True},
    ]
    asks = FakeAsks(scoring({ANSWERS[0]: 3, ANSWERS[1]: 5, ANSWERS[2]: 5}))
    rules = CascadeRules(target_confidence=0.99, min_gain=0.0)
    made = judged(asks, [CHEAP, STRONG], rules, rubric=make_rubric(criteria=criteria))
    assert by_judge(made, "strong") == []


def test_a_reply_that_cannot_be_read_is_not_asked_for_again_and_again() -> None:
    asks = FakeAsks(lambda asked: says("no scores here"))
    made = judged(asks, [CHEAP, STRONG], CascadeRules(min_gain=0.0))
    assert all(judgment.missing for judgment in made)
    assert by_judge(made, "cheap") == by_judge(made, "strong") == ["c0", "c1", "c2"]


def test_a_judge_that_says_nothing_is_given_up_while_others_go_on() -> None:
    answer = scoring({ANSWERS[0]: 4, ANSWERS[1]: 4, ANSWERS[2]: 4})

    def reply(asked: Asked) -> object:
        return says("?") if asked.model == "strong" else answer(asked)

    rules = CascadeRules(target_confidence=1.0, min_gain=0.0)
    made = judged(FakeAsks(reply), [CHEAP, STRONG], rules)
    assert len(by_judge(made, "strong")) <= 3
    assert len({judgment.id for judgment in made}) == len(made)


def test_repeats_are_the_most_that_a_judge_is_asked() -> None:
    often = JudgeConfig(model="cheap", repeats=3)
    asks = FakeAsks(scoring({ANSWERS[0]: 4, ANSWERS[1]: 4, ANSWERS[2]: 4}))
    made = judged(asks, [often], CascadeRules(target_confidence=1.0, min_gain=0.0))
    asked = by_judge(made, "cheap")
    assert len(asked) > 3
    assert max(asked.count(name) for name in asked) <= 3


def test_without_a_price_calls_are_counted_and_no_money_limit_applies() -> None:
    rules = CascadeRules(target_confidence=0.99, min_gain=0.0, max_usd_per_prompt=0.0)
    asks = FakeAsks(scoring({ANSWERS[0]: 4, ANSWERS[1]: 4, ANSWERS[2]: 4}), cost_usd=None)
    made = judged(asks, [CHEAP, STRONG], rules, price=lambda *_: None)
    assert by_judge(made, "strong") != []
