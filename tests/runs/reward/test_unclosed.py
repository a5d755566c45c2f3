"""A function that nobody closes gives its folder back, with what it has judged."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import StoreError
from judgeforge.runs.reward.session import RewardSession
from judgeforge.runs.reward.unclosed import wait_until_free
from judgeforge.runs.session import RunSession
from tests.runs.reward.conftest import ASKED, SAID
from tests.support.run_setup import rows


def asked_and_dropped(config: Path, out: Path) -> list[float | None]:
    return judgeforge.reward(config, out=out)(prompts=ASKED, completions=SAID)


def asked_in_a_loop_and_dropped(config: Path, out: Path) -> list[float | None]:
    async def ask() -> list[float | None]:
        return await judgeforge.areward(config, out=out)(prompts=ASKED, completions=SAID)

    return asyncio.run(ask())


def asked_and_dropped_within_a_cycle(config: Path, out: Path) -> list[float | None]:
    """As a trainer is, whose parts know it."""
    trainer: dict[str, Any] = {"reward": judgeforge.reward(config, out=out)}
    trainer["part"] = trainer
    rewards: list[float | None] = trainer["reward"](prompts=ASKED, completions=SAID)
    return rewards


@pytest.fixture
def seldom_collected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("seldom_collected")
@pytest.mark.parametrize(
    "ask", [asked_and_dropped, asked_in_a_loop_and_dropped, asked_and_dropped_within_a_cycle]
)
def test_a_dropped_function_leaves_its_results_and_its_folder_to_the_next(
    config: Path, out: Path, ask: Callable[[Path, Path], list[float | None]]
) -> None:
    first = ask(config, out)
    assert ask(config, out) == first
    wait_until_free(out)
    assert len(rows(out / "completions.jsonl")) == len(SAID)
    assert json.loads((out / "manifest.json").read_text())["status"] == "complete"


def test_one_that_is_closed_is_not_closed_again_when_it_is_dropped(
    config: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go: list[RewardSession] = []
    monkeypatch.setattr(RewardSession, "let_go", let_go.append)
    reward = judgeforge.reward(config, out=out)
    reward(prompts=ASKED, completions=SAID)
    reward.close()
    del reward
    assert let_go == []


def test_an_asynchronous_one_is_closed_at_the_end_of_async_with(config: Path, out: Path) -> None:
    async def ask() -> judgeforge.RunResult | None:
        async with judgeforge.areward(config, out=out) as reward:
            await reward(prompts=ASKED, completions=SAID)
        return reward.close()

    result = asyncio.run(ask())
    assert result is not None
    assert result.manifest["status"] == "complete"


def test_what_a_dropped_function_could_not_write_is_a_warning(
    config: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: RunSession) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(RunSession, "conclude", full)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asked_and_dropped(config, out)
        wait_until_free(out)
    (one,) = [one for one in told if str(out) in str(one.message)]
    assert "the disk is full" in str(one.message)
    assert "open the same folder again" in str(one.message)
