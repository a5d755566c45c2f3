"""The real trainers take a run folder as it is (make test-train)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.export.export import export_pairs
from tests.train import tiny_model

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]

STEPS = 2


def settings(place: Path, name: str) -> dict[str, Any]:
    return {
        "output_dir": str(place / name),
        "max_steps": STEPS,
        "per_device_train_batch_size": 4,
        "max_length": 1024,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "bf16": False,
        "learning_rate": 1e-3,
    }


def losses(trainer: Any) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def assert_trained(trainer: Any) -> None:
    before = {name: value.detach().clone() for name, value in trainer.model.named_parameters()}
    trainer.train()
    after = dict(trainer.model.named_parameters())
    assert trainer.state.global_step == STEPS
    assert len(losses(trainer)) == STEPS
    assert all(math.isfinite(loss) for loss in losses(trainer))
    assert any(not before[name].equal(after[name]) for name in before)


def test_dpo_trains(pairs: Any, model: str, place: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(**settings(place, "dpo")),
        train_dataset=pairs,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == len(pairs)
    assert_trained(trainer)
    assert losses(trainer)[0] == pytest.approx(math.log(2), abs=0.01)


def test_dpo_takes_the_label_smoothing_of_the_card(pairs: Any, model: str, place: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    smoothing = 1 - sum(pairs["confidence"]) / len(pairs)
    assert 0 <= smoothing < 0.5
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(label_smoothing=smoothing, **settings(place, "smooth")),
        train_dataset=pairs,
        processing_class=tiny_model.tokenizer(),
    )
    assert_trained(trainer)


def reward_trainer(pairs: Any, place: Path) -> Any:
    from trl import RewardConfig, RewardTrainer

    return RewardTrainer(
        model=tiny_model.reward_model(),
        args=RewardConfig(**settings(place, "reward")),
        train_dataset=pairs,
        processing_class=tiny_model.tokenizer(),
    )


def test_a_reward_model_trains_and_no_margin_enters_its_loss(pairs: Any, place: Path) -> None:
    trainer = reward_trainer(pairs, place)
    assert len(trainer.train_dataset) == len(pairs)
    batch = next(iter(trainer.get_train_dataloader()))
    assert "margin" not in batch
    assert "input_ids" in batch
    assert_trained(trainer)
    assert losses(trainer)[0] == pytest.approx(math.log(2), abs=0.05)


def test_a_margin_that_was_asked_for_does_enter_the_loss(folder: Path, place: Path) -> None:
    from datasets import load_dataset

    export_pairs(folder, target="trl", to=place / "margin", with_margin=True)
    trainer = reward_trainer(load_dataset(str(place / "margin"), split="train"), place)
    assert "margin" in next(iter(trainer.get_train_dataloader()))


def test_kto_trains_on_both_sides_of_each_pair(pairs: Any, model: str, place: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        model=model,
        args=KTOConfig(**settings(place, "kto")),
        train_dataset=pairs,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == 2 * len(pairs)
    assert_trained(trainer)


def test_the_best_answers_train_sft(folder: Path, model: str, place: Path) -> None:
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer

    export_pairs(folder, target="sft", to=place / "best")
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**settings(place, "sft-out")),
        train_dataset=load_dataset(str(place / "best"), split="train"),
        processing_class=tiny_model.tokenizer(),
    )
    labels = trainer.train_dataset[0]["labels"]
    assert labels[0] == -100  # the prompt is not learnt
    assert labels[-1] != -100
    assert_trained(trainer)


def test_an_exported_split_trains_and_evaluates(folder: Path, model: str, place: Path) -> None:
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer

    export_pairs(folder, target="trl", to=place / "split", test_share=0.3)
    data = load_dataset(str(place / "split"))
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(**settings(place, "split-out")),
        train_dataset=data["train"],
        eval_dataset=data["test"],
        processing_class=tiny_model.tokenizer(),
    )
    assert_trained(trainer)
    assert math.isfinite(trainer.evaluate()["eval_loss"])
