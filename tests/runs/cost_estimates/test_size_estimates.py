"""An estimate that is remembered is the one that would have been made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.records import Prompt, ReadyCompletion
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.size_estimates import EstimatesBySize
from judgeforge.runs.preparation.extra_judgments import first_prompts
from judgeforge.runs.preparation.preparation import prepare
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import PRICE, model, write_config

TURNS = (
    (("user", "Why?"),),
    (("user", "Why?" * 400),),
    (("system", "Be brief."), ("user", "Where is it, and why?")),
    (("user", "日本"), ("assistant", "Yes."), ("user", "Go on.")),
)
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "pointwise": {"judging": {"judges": [{"model": "small"}], "fit_repeats": 1}},
    "listwise": {"judging": {"judges": [{"model": "small", "protocol": "listwise"}]}},
    "two judges": {
        "judging": {
            "judges": [{"model": "small"}, {"model": "other", "protocol": "pairwise", "tier": 2}],
            "cascade": {},
            "aim": "training",
        },
        "sampling": {
            "models": ["small", "other"],
            "completions": 3,
            "max_tokens": 64,
            "system": "Be kind.",
            "more_in_doubt": 1,
        },
    },
    "drawn": {
        "sampling": {"pool": ["small", "other"], "completions": 2, "max_tokens": 64},
        "pairing": {"min_confidence": 0.6},
    },
}


def prompts() -> list[Prompt]:
    found = []
    for number in range(400):
        turns = tuple(Message(role=role, content=text) for role, text in TURNS[number % len(TURNS)])
        reference = "It is blue." if number % 5 == 0 else None
        found.append(
            Prompt(id=f"p{number}", messages=turns, line=number + 1, digest="", reference=reference)
        )
    ready = tuple(ReadyCompletion(text="It is." * size) for size in (1, 9))
    tools = '[{"type":"function","function":{"name":"look"}}]'
    return [
        *found,
        found[0].model_copy(update={"id": "ready", "completions": ready}),
        found[0].model_copy(update={"id": "tools", "tools": tools}),
    ]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_prompt_costs_what_it_would_by_itself(
    tmp_path: Path, server: LocalServer, name: str
) -> None:
    priced = {**PRICE, "cached_input_per_mtok": 0.1}
    models = {"small": model(server, price=priced), "other": model(server)}
    config = judgeforge.load_config(
        write_config(tmp_path, server, models=models, **CONFIGURATIONS[name])
    )
    prepared, rows = prepare(config), prompts()
    by_size, each = EstimatesBySize(Estimator(prepared).of_prompt, prepared), Estimator(prepared)
    assert [by_size.of_prompt(row) for row in rows] == [each.of_prompt(row) for row in rows]


def test_prompts_of_one_size_are_estimated_once(tmp_path: Path, server: LocalServer) -> None:
    config = judgeforge.load_config(write_config(tmp_path, server))
    prepared, asked = prepare(config), list[str]()
    estimator = Estimator(prepared)

    def of_prompt(prompt: Prompt) -> Any:
        asked.append(prompt.id)
        return estimator.of_prompt(prompt)

    by_size, rows = EstimatesBySize(of_prompt, prepared), prompts()
    for row in rows:
        by_size.of_prompt(row)
    first = first_prompts(config)
    assert asked[:first] == [row.id for row in rows[:first]]
    assert len(asked) - first <= 2 * len(TURNS) + 2
