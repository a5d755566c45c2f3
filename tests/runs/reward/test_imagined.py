"""``preview``, ``plan`` and ``doctor`` of a configuration for rewards, which names no prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import judgeforge
from tests.local_server import LocalServer
from tests.support.run_process import Command
from tests.support.run_setup import KEY_VARIABLE, write_config

PRICED = {"price": {"input_per_mtok": 1.0, "output_per_mtok": 2.0}}


@pytest.fixture
def file(server: LocalServer, tmp_path: Path) -> Path:
    written = write_config(tmp_path, server)
    found = yaml.safe_load(written.read_text())
    found["models"]["small"] |= PRICED
    found["judging"] = {"judges": [{"model": "small", "max_tokens": 300}], "fit_repeats": 0}
    kept = {key: value for key, value in found.items() if key not in ("prompts", "sampling")}
    written.write_text(yaml.safe_dump(kept))
    return written


def test_a_judge_is_shown_what_a_reward_function_sends_it(
    file: Path, server: LocalServer, out: Path, command: Command
) -> None:
    code, shown, _ = command("preview", file, "--json")
    (judgment,) = json.loads(shown)["requests"]
    assert (code, judgment["times"], server.requests) == (0, 2, [])
    asked, said = "[a prompt, which the trainer brings]", "[answer {}, which the policy writes]"
    with judgeforge.reward(file, out=out) as reward:
        reward(prompts=[asked] * 2, completions=[said.format(1), said.format(2)])
    assert judgment["body"] in [one.body for one in server.requests]
    code, shown, _ = command("preview", file)
    assert (code, "which the policy writes" in shown, ", line" in shown) == (0, True, False)


def test_the_price_is_that_of_groups_whose_size_is_said(
    file: Path, server: LocalServer, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    code, shown, _ = command("plan", file, "--json")
    whole = json.loads(shown)
    assert (code, whole["prompts"], whole["calls"]) == (0, 1_000, 8_000)
    assert "8 answers of 400 tokens to a prompt of 100 are assumed" in whole["notes"][0]
    # The question and the answer are a token a four bytes; the rubric and the reply come on top.
    assert whole["expected"] > 8_000 * 500 / 1e6
    few = json.loads(command("plan", file, "--json", "--limit", "10")[1])
    assert few["expected"] == pytest.approx(whole["expected"] / 100, rel=0.02)
    assert not server.requests


def test_a_budget_that_pays_for_a_part_of_it_is_told(file: Path, command: Command) -> None:
    found = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(found | {"budget": {"usd": 0.01}}))
    code, shown, _ = command("plan", file)
    assert (code, "budget.usd is $0.01: it pays for about" in " ".join(shown.split())) == (0, True)


def test_the_least_time_that_a_limit_of_requests_leaves_is_told(
    file: Path, command: Command
) -> None:
    found = yaml.safe_load(file.read_text())
    found["models"]["small"]["rpm"] = 100
    file.write_text(yaml.safe_dump(found))
    notes = json.loads(command("plan", file, "--json")[1])["notes"]
    assert notes[-1] == "With models.small.rpm = 100 its 8,000 calls take 1:19:00 at least."
    few = json.loads(command("plan", file, "--json", "--limit", "10")[1])["notes"]
    assert not [note for note in few if "rpm" in note], "they may all go out at once"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("preview", "--id", "p1"), "names no `prompts`"),
        (("plan", "--usd", "3"), "names none"),
    ],
)
def test_what_needs_prompts_is_told(
    file: Path, command: Command, options: tuple[str, ...], told: str
) -> None:
    name, *rest = options
    code, _, error = command(name, file, *rest)
    assert (code, told in error) == (2, True)


def test_the_machine_and_its_models_can_be_looked_at(
    file: Path, server: LocalServer, command: Command
) -> None:
    assert command("doctor", file)[0] == 0
    assert not server.requests
    assert command("doctor", file, "--ask")[0] == 0
    assert server.requests
