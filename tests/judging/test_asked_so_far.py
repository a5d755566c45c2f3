"""What an escalation has asked about a prompt and spent on it."""

from __future__ import annotations

import asyncio

import pytest

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.sampling import SamplingConfig
from judgeforge.judging.asked_so_far import AskedSoFar
from judgeforge.judging.panel import Panel
from judgeforge.ranking.cascade.candidates import JudgeOption
from judgeforge.records import Judgment
from judgeforge.sampling.further import FurtherCompletions
from tests.support.fake_asks import (
    Asked,
    FakeAsks,
    make_completion,
    make_prompt,
    make_rubric,
    says,
)

SAMPLING = SamplingConfig(models=["writer"], completions=2, more_in_doubt=1)
SCORED = '{"rationale": "because", "scores": {"quality": 3, "safe": true}}'


@pytest.mark.parametrize(
    ("text", "judged", "calls", "usd"),
    [("Five.", ["p1.c2"], 1, 0.25 + 0.25), ("", [], 0, 0.25), ("Four.", [], 0, 0.25)],
    ids=["judged", "empty", "a twin"],
)
def test_a_further_completion_is_spent_with_its_judgments_whether_it_can_be_judged_or_not(
    text: str, judged: list[str], calls: int, usd: float
) -> None:
    def reply(asked: Asked) -> object:
        return says(text if asked.model == "writer" else SCORED)

    asks = FakeAsks(reply)  # type: ignore[arg-type]
    prompt, first = make_prompt(), [make_completion("Four."), make_completion("Three.", 1)]
    panel = Panel([JudgeConfig(model="judge")], make_rubric(), asks)
    further = FurtherCompletions(prompt, SAMPLING, asks, first, lambda one: one.is_usable)
    so_far = AskedSoFar(panel, prompt, first, [JudgeOption("judge", "one")], [], lambda _: ())
    asyncio.run(so_far.take(further))
    assert [one.completion_ids[0] for one in so_far.all_judgments] == judged
    assert (so_far.spent.calls, so_far.spent.cost) == (calls, usd)


def test_what_others_have_judged_of_a_further_completion_counts_once_it_is_there() -> None:
    asks = FakeAsks(lambda asked: says("Five." if asked.model == "writer" else SCORED))
    prompt, first = make_prompt(), [make_completion("Four."), make_completion("Three.", 1)]
    panel = Panel([JudgeConfig(model="judge")], make_rubric(), asks)
    further = FurtherCompletions(prompt, SAMPLING, asks, first, lambda one: one.is_usable)

    def brought(completions: object) -> list[Judgment]:
        names = tuple(one.id for one in further.completions)
        assert completions == further.completions
        return [
            Judgment(
                id=f"ana {names}",
                prompt_id="p1",
                completion_ids=names[-1:],
                judge="ana",
                protocol="pointwise",
                score=0.5,
            )
        ]

    so_far = AskedSoFar(panel, prompt, first, [JudgeOption("judge", "one")], [], brought)
    asyncio.run(so_far.take(further))
    by_ana = [one.completion_ids for one in so_far.all_judgments if one.judge == "ana"]
    assert by_ana == [("p1.c2",)]
