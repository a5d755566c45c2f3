"""A run folder and a tiny model for all tests with the real trainers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config
from tests.train import tiny_model


@pytest.fixture(scope="package", autouse=True)
def trainers(request: pytest.FixtureRequest) -> None:
    """Without TRL these tests are skipped, but never where they were asked for by name."""
    missing = [name for name in ("torch", "trl") if importlib.util.find_spec(name) is None]
    if missing and request.config.getoption("markexpr") != "train":
        pytest.skip(f"{missing} not installed; see `make test-train`")


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for these tests, with nothing of Hugging Face outside it and no network."""
    place = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setattr("datasets.config.HF_DATASETS_CACHE", place / "cache")
        yield place


@pytest.fixture(scope="package")
def folder(place: Path) -> Path:
    """A run folder made by judgeforge, with two pairs of each prompt."""
    with LocalServer() as server:
        config = write_config(
            place, server, prompts=8, pairing={"strategy": "adjacent", "pairs_per_prompt": 2}
        )
        result = run(config, place / "run")
    assert result.exit_code == 0
    assert len(result.pairs) == 16
    return result.folder


@pytest.fixture(scope="package")
def pairs(folder: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder), split="train")


@pytest.fixture(scope="package")
def model(place: Path) -> str:
    """By path, so that TRL loads the reference model itself."""
    return tiny_model.save_language_model(place / "model")
