"""The real trainers take a panel of judges as their reward function (make test-train)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from tests.local_server import LocalServer
from tests.support.run_setup import rows, write_config
from tests.train import tiny_model
from tests.train.test_snippets import snippets
from tests.train.test_trainers import STEPS

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def config(place: Path) -> Iterator[Path]:
    """Of two judges on a local server; the rubric has a check, so that a random model is told apart
    by something."""
    folder = place / "reward"
    folder.mkdir()
    with LocalServer() as server:
        yield write_config(folder, server, prompts=2, budget={"usd": 5.0})


def prompts(*, conversational: bool) -> Any:
    from datasets import Dataset

    texts = [f"Tell me fact number {number}." for number in range(8)]
    asked = [[{"role": "user", "content": text}] for text in texts] if conversational else texts
    return Dataset.from_dict({"prompt": asked, "reference": [f"Fact {n}." for n in range(8)]})


def settings(place: Path, name: str, **more: Any) -> dict[str, Any]:
    return {
        "output_dir": str(place / name),
        "max_steps": STEPS,
        "per_device_train_batch_size": 4,
        "num_generations": 2,
        "max_completion_length": 12,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "bf16": False,
        **more,
    }


def given(reward: Any) -> list[dict[str, Any]]:
    return rows(reward.folder / "rewards.jsonl")


@pytest.mark.parametrize("conversational", [True, False])
def test_grpo_trains_on_what_judges_say(
    config: Path, model: str, place: Path, conversational: bool
) -> None:
    from trl import GRPOConfig, GRPOTrainer

    name = f"grpo-{conversational}"
    with judgeforge.reward(config, out=place / f"{name}-reward", name="panel") as reward:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=GRPOConfig(**settings(place, name)),
            train_dataset=prompts(conversational=conversational),
            processing_class=tiny_model.tokenizer(),
        )
        trainer.train()
    assert trainer.state.global_step == STEPS
    logged = [entry for entry in trainer.state.log_history if "rewards/panel/mean" in entry]
    assert len(logged) == STEPS
    assert all(0 <= entry["rewards/panel/mean"] <= 1 for entry in logged)
    assert all(entry["panel/cost_usd"] >= 0 for entry in logged)
    told = given(reward)
    assert len(told) == 4 * STEPS
    assert {row["step"] for row in told} == {0, 1}
    judged = {row["id"]: row for row in rows(reward.folder / "completions.jsonl")}
    scored = [row for row in told if row["reward"]]
    assert scored
    assert all(
        row["reward"] == pytest.approx(judged[row["completion_id"]]["score"]) for row in scored
    )


def test_rloo_trains_with_the_asynchronous_function(config: Path, model: str, place: Path) -> None:
    from trl import RLOOConfig, RLOOTrainer

    with judgeforge.areward(config, out=place / "rloo-reward") as reward:
        trainer = RLOOTrainer(
            model=model,
            reward_funcs=reward,
            args=RLOOConfig(**settings(place, "rloo")),
            train_dataset=prompts(conversational=True),
            processing_class=tiny_model.tokenizer(),
        )
        trainer.train()
    assert trainer.state.global_step == STEPS
    assert len(given(reward)) == 4 * STEPS


def test_online_dpo_trains(config: Path, model: str, place: Path) -> None:
    from transformers import AutoModelForCausalLM
    from trl.experimental.online_dpo import OnlineDPOConfig, OnlineDPOTrainer

    options = settings(place, "online-dpo", max_new_tokens=12)
    for name in ("num_generations", "max_completion_length"):
        del options[name]
    with judgeforge.reward(config, out=place / "online-dpo-reward") as reward:
        trainer = OnlineDPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(model),
            reward_funcs=reward,
            args=OnlineDPOConfig(**options),
            train_dataset=prompts(conversational=True).remove_columns("reference"),
            processing_class=tiny_model.tokenizer(),
        )
        trainer.train()
    assert trainer.state.global_step == STEPS
    assert len(given(reward)) == 8 * STEPS


def test_the_same_training_again_pays_nothing(config: Path, model: str, place: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    def train() -> judgeforge.RunResult:
        with judgeforge.reward(config, out=place / "twice-reward") as reward:
            trainer = GRPOTrainer(
                model=model,
                reward_funcs=reward,
                args=GRPOConfig(**settings(place, "twice", seed=3)),
                train_dataset=prompts(conversational=True),
                processing_class=tiny_model.tokenizer(),
            )
            trainer.train()
        result = reward.close()
        assert result is not None
        return result

    first, again = train(), train()
    paid = [result.manifest["totals"]["calls"]["paid"] for result in (first, again)]
    assert paid[0] == paid[1] > 0
    assert json.dumps(first.manifest["totals"]["prompts"]) == json.dumps(
        again.manifest["totals"]["prompts"]
    )


def test_the_guide_trains_as_it_is_written(
    config: Path, model: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    text = (Path(__file__).parents[2] / "docs" / "reward-function.md").read_text(encoding="utf-8")
    train, finish = snippets(text)
    small = {
        "your/model": model,
        "num_generations=8": "num_generations=2, max_steps=1, per_device_train_batch_size=4, "
        "max_completion_length=8, use_cpu=True, bf16=False, report_to=[], save_strategy='no'",
    }
    for name, value in small.items():
        assert name in train
        train = train.replace(name, value)
    names: dict[str, Any] = {}
    exec(compile(train, "guide", "exec"), names)  # noqa: S102 (our own documentation)
    assert names["trainer"].state.global_step == 1
    exec(compile(finish, "guide", "exec"), {})  # noqa: S102
    assert len(rows(config.parent / "runs" / "grpo-reward" / "completions.jsonl")) == 4
