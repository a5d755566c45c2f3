"""``check`` of a configuration that is for rewards alone, and names no prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import judgeforge
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import write_config

BY_A_TRAINER = ("prompts", "sampling")


@pytest.fixture
def file(server: LocalServer, tmp_path: Path) -> Path:
    return write_config(tmp_path, server)


def rewrite(file: Path, *left_out: str, **changes: Any) -> None:
    found = yaml.safe_load(file.read_text()) | changes
    file.write_text(yaml.safe_dump({k: v for k, v in found.items() if k not in left_out}))


def test_one_that_a_reward_function_takes_is_ready_for_it_and_costs_no_call(
    file: Path, server: LocalServer, out: Path, command: Command
) -> None:
    rewrite(file, *BY_A_TRAINER)
    code, shown, _ = command("check", file)
    assert (code, shown.splitlines()[-1]) == (0, "ready for judgeforge.reward")
    assert "`judgeforge run` needs `prompts`" in shown
    assert "rows would be skipped" not in shown
    assert not server.requests
    assert not (Path("runs") / "config-reward").exists()
    with judgeforge.reward(file, out=out) as reward:
        assert None not in reward(prompts=["One?"], completions=["[quality=0.9] Yes."])


def test_its_models_can_be_tried(file: Path, server: LocalServer, command: Command) -> None:
    rewrite(file, *BY_A_TRAINER)
    assert command("check", file, "--ask")[0] == 0
    assert server.requests


def test_what_a_reward_function_refuses_is_refused_with_its_line(
    file: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite(file, *BY_A_TRAINER, "judging")
    code, shown, _ = command("check", file)
    assert (code, shown.splitlines()[-1]) == (2, "not ready for judgeforge.reward")
    assert "`judging.judges` names none" in shown
    rewrite(file, judging={"judges": [{"model": "small"}]}, budget={"usd": 1.0})
    monkeypatch.delenv("TEST_KEY")
    code, shown, _ = command("check", file)
    assert (code, "TEST_KEY is not set" in shown) == (2, True)


def test_one_that_samples_is_that_of_a_run_which_lacks_its_prompts(
    file: Path, command: Command
) -> None:
    rewrite(file, "prompts")
    code, _, error = command("check", file)
    assert code == 2
    assert "prompts: missing" in error
