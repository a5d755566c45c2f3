"""The real trainers take rows with tools, thoughts and pictures as they are exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.results.export.export import export_pairs
from judgeforge.results.export.targets import ExportOptions
from tests.local_server import LocalServer
from tests.support.hand_made import pair, run_folder
from tests.support.pictures import data_url, png
from tests.support.rich_pairs import picture_pair, thought_pair, tool_pair
from tests.support.run_setup import rows, run, write_config
from tests.train import tiny_model, tiny_vision_model
from tests.train.test_trainers import assert_trained, settings

pytestmark = [pytest.mark.train, pytest.mark.timeout(600)]


def long_enough(place: Path, name: str) -> dict[str, Any]:
    return {**settings(place, name), "max_length": 4096}


@pytest.fixture(scope="module")
def rich(place: Path) -> Any:
    """Pairs of which some have tools and calls, some have thoughts and some are plain."""
    from datasets import load_dataset

    made = [tool_pair("p1"), thought_pair("p2"), pair("p3"), tool_pair("p4"), thought_pair("p5")]
    export_pairs(run_folder(place / "rich", made), target="trl", to=place / "rich-rows")
    return load_dataset(str(place / "rich-rows"), split="train")


def read(trainer: Any, row: int, *columns: str) -> str:
    example = trainer.train_dataset[row]
    return "".join(trainer.processing_class.decode(example[name]) for name in columns)


def test_dpo_sees_tools_calls_and_thoughts(rich: Any, model: str, place: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(**long_enough(place, "rich-dpo")),
        train_dataset=rich,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == len(rich)
    seen = read(trainer, 0, "prompt_ids", "chosen_ids")
    assert "The weather of a place." in seen
    assert "21 degrees" in seen
    assert seen.endswith('<call>weather {"place": "Linz"}</call><|end|>')
    assert "<think>Two and two.</think>4" in read(trainer, 1, "chosen_ids")
    assert "<think>" not in read(trainer, 2, "prompt_ids", "chosen_ids", "rejected_ids")
    assert_trained(trainer)


def test_dpo_trains_with_the_robust_loss_of_the_card(rich: Any, model: str, place: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            loss_type="robust", label_smoothing=0.1, **long_enough(place, "rich-robust")
        ),
        train_dataset=rich,
        processing_class=tiny_model.tokenizer(),
    )
    assert_trained(trainer)


def test_a_reward_model_sees_them(rich: Any, place: Path) -> None:
    from trl import RewardConfig, RewardTrainer

    trainer = RewardTrainer(
        model=tiny_model.reward_model(),
        args=RewardConfig(**long_enough(place, "rich-reward")),
        train_dataset=rich,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == len(rich)
    seen = read(trainer, 0, "chosen_ids") if "chosen_ids" in trainer.train_dataset[0] else ""
    assert not seen or "<call>weather" in seen
    assert_trained(trainer)


def test_kto_sees_them_in_pairs_that_it_unpairs(rich: Any, model: str, place: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        model=model,
        args=KTOConfig(**long_enough(place, "rich-kto")),
        train_dataset=rich,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == 2 * len(rich)
    assert_trained(trainer)


@pytest.fixture(scope="module")
def run_with_tools(place: Path) -> Path:
    """A run over rows with tools, whose models call and think, with thoughts kept."""
    import json

    tool = {"type": "function", "function": {"name": "clock", "description": "The time of day."}}
    lines = [
        {"id": f"p{n}", "prompt": f"What time is it, number {n}?", "tools": [tool]}
        for n in range(6)
    ]
    lines.append({"id": "plain", "prompt": "Why is the sky blue?"})
    own = place / "own"
    own.mkdir()
    (own / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with LocalServer(thinks=True, calls_tools=True) as server:
        config = write_config(
            own,
            server,
            prompts={"path": "prompts.jsonl"},
            pairing={"strategy": "adjacent", "pairs_per_prompt": 2, "thinking": "keep"},
        )
        result = run(config, own / "run")
    assert result.pairs.num_rows > 4
    return result.folder


def test_a_run_folder_with_tools_and_thoughts_trains_as_it_is(
    run_with_tools: Path, model: str, place: Path
) -> None:
    from datasets import load_dataset
    from trl import DPOConfig, DPOTrainer

    data = load_dataset(str(run_with_tools), split="train")
    assert any("clock" in (tools or "") for tools in data["tools"])
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(**long_enough(place, "tool-dpo")),
        train_dataset=data,
        processing_class=tiny_model.tokenizer(),
    )
    first = next(n for n, tools in enumerate(data["tools"]) if tools)
    assert "The time of day." in read(trainer, first, "prompt_ids")
    assert "<think>Thought" in read(trainer, first, "chosen_ids")
    assert_trained(trainer)


def test_single_completions_of_a_run_train_kto(
    run_with_tools: Path, model: str, place: Path
) -> None:
    from datasets import load_dataset
    from trl import KTOConfig, KTOTrainer

    options = ExportOptions(least_sure=0.51)
    export_pairs(run_with_tools, target="kto", to=place / "kto-rows", options=options)
    data = load_dataset(str(place / "kto-rows"), split="train")
    assert {True, False} == set(data["label"])
    judged = [row for row in rows(run_with_tools / "completions.jsonl") if row["score"] is not None]
    assert len(data) > len(judged) / 2
    trainer = KTOTrainer(
        model=model,
        args=KTOConfig(**long_enough(place, "kto-rows-out")),
        train_dataset=data,
        processing_class=tiny_model.tokenizer(),
    )
    assert len(trainer.train_dataset) == len(data)
    assert_trained(trainer)


class TestPictures:
    @pytest.fixture(scope="class")
    def vision_model(self, place: Path) -> str:
        return tiny_vision_model.save_vision_model(place / "vision-model")

    @pytest.fixture(scope="class")
    def pictured(self, place: Path) -> Any:
        from datasets import load_dataset

        urls = [[data_url(png(shade))] for shade in (0, 60, 120)]
        made = [
            *(picture_pair(f"p{number}", *shown) for number, shown in enumerate(urls)),
            picture_pair("two", data_url(png(10)), data_url(png(200))),
        ]
        export_pairs(run_folder(place / "pictured", made), target="trl", to=place / "pictured-rows")
        return load_dataset(str(place / "pictured-rows"), split="train")

    def test_they_are_pictures_to_datasets(self, pictured: Any) -> None:
        shown = [[image.convert("L") for image in row] for row in pictured["images"]]
        shades = [[image.getpixel((0, 0)) for image in row] for row in shown]
        assert shades == [[0], [60], [120], [10, 200]]

    def test_dpo_trains_on_them(self, pictured: Any, vision_model: str, place: Path) -> None:
        from trl import DPOConfig, DPOTrainer

        trainer = DPOTrainer(
            model=vision_model,
            args=DPOConfig(**long_enough(place, "vision-dpo")),
            train_dataset=pictured,
            processing_class=tiny_vision_model.processor(vision_model),
        )
        batch = next(iter(trainer.get_train_dataloader()))
        assert batch["pixel_values"].shape[1:] == (3, 8, 8)
        assert_trained(trainer)

    def test_kto_trains_on_single_completions_with_them(
        self, pictured: Any, vision_model: str, place: Path
    ) -> None:
        from datasets import concatenate_datasets
        from trl import KTOConfig, KTOTrainer

        sides = [
            pictured.select_columns(["prompt", side, "images"])
            .rename_column(side, "completion")
            .add_column("label", [side == "chosen"] * len(pictured))
            for side in ("chosen", "rejected")
        ]
        trainer = KTOTrainer(
            model=vision_model,
            args=KTOConfig(**long_enough(place, "vision-kto")),
            train_dataset=concatenate_datasets(sides),
            processing_class=tiny_vision_model.processor(vision_model),
        )
        assert_trained(trainer)
