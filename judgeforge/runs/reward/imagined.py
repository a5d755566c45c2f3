"""What a configuration for rewards alone asks and costs, shown on groups as a trainer may bring."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from judgeforge.config.run import RunConfig
from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.loads import total_cost
from judgeforge.runs.planning.pace_notes import pace_notes
from judgeforge.runs.planning.plan import (
    PlanReport,
    budget_warnings,
    cascade_warnings,
    model_plan,
    spent_notes,
)
from judgeforge.runs.planning.preview import Preview, previewed
from judgeforge.runs.remarks import remarks
from judgeforge.runs.reward.settings import RewardSettings, read_settings
from judgeforge.store.folder import RunFolder
from judgeforge.text.messages import Message
from judgeforge.text.wording import BYTES_PER_TOKEN, counted

GROUPS, ANSWERS = 1_000, 8
_PROMPT_TOKENS, _ANSWER_TOKENS = 100, 400


def preview_rewards(config: RunConfig) -> Preview:
    """With words in the place of the prompt and of two answers. Raises ConfigError."""
    answers = (f"[answer {number}, which the policy writes]" for number in (1, 2))
    group = _group("of-the-trainer", "[a prompt, which the trainer brings]", answers)
    prepared = _settings(config, None).prepared(with_keys=False)
    return asyncio.run(previewed(prepared, group))


def plan_rewards(
    config: RunConfig, *, groups: int | None = None, out: Path | str | None = None
) -> PlanReport:
    """Of ``groups`` of answers whose number and lengths are assumed. Raises ConfigError."""
    settings, number = _settings(config, out), GROUPS if groups is None else groups
    prepared = settings.prepared(with_keys=False)
    estimator = Estimator(prepared)
    loads = estimator.loads()
    question, answer = (
        "x" * BYTES_PER_TOKEN * tokens for tokens in (_PROMPT_TOKENS, _ANSWER_TOKENS)
    )
    for place in range(number):
        estimator.add(_group(f"group-{place}", question, [answer] * ANSWERS), loads)
    cost = total_cost(loads.values())
    assumed = (
        f"no `prompts` and no `sampling`, so a trainer brings both: {counted(number, 'group')} of "
        f"{ANSWERS} answers of {_ANSWER_TOKENS} tokens to a prompt of {_PROMPT_TOKENS} are assumed "
        "(--limit: how many groups). Costs grow with the number and the length of the answers."
    )
    models = [model_plan(name, load) for name, load in loads.items()]
    # No earlier start tells how long the next one takes: the trainer sets the pace.
    pace = pace_notes(settings.config.models, {one.name: one.calls for one in models}, None)
    return PlanReport(
        prompts=number,
        skips=0,
        calls=round(sum(load.expected_calls for load in loads.values())),
        calls_high=sum(load.calls for load in loads.values()),
        low=cost.low,
        expected=cost.expected,
        high=cost.high,
        models=models,
        notes=[assumed, *remarks(prepared), *spent_notes(RunFolder(settings.folder)), *pace],
        warnings=[
            *cascade_warnings(settings.config),
            *budget_warnings(settings.config, number, loads.values(), None),
        ],
    )


def _settings(config: RunConfig, out: Path | str | None) -> RewardSettings:
    return read_settings(
        config, out, name="judgeforge", on_budget="error", learn_from=None, fit=None
    )


def _group(name: str, question: str, answers: Iterable[str]) -> Prompt:
    return Prompt(
        id=name,
        line=0,
        digest="",
        messages=(Message(role="user", content=question),),
        completions=tuple(ReadyCompletion(text=text) for text in answers),
    )
