"""Sides of pairs that nobody can write are told before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import CheckReport, check_run
from tests.local_server import LocalServer
from tests.support.run_setup import model, rows, run, write_config

NAMES = ("strong", "good", "fair", "weak")


@pytest.fixture
def check(tmp_path: Path, server: LocalServer) -> Any:
    def checked(pairing: dict[str, Any], **sampling: Any) -> CheckReport:
        models = {name: model(server, model=name) for name in ("small", *NAMES)}
        sampled = {"models": ["strong", "weak"], **sampling}
        sampled = {key: value for key, value in sampled.items() if value is not None}
        file = write_config(tmp_path, server, models=models, sampling=sampled, pairing=pairing)
        return check_run(judgeforge.load_config(file))

    return checked


def test_a_name_that_nobody_has_is_refused_with_what_is_meant(check: Any) -> None:
    (problem,) = check({"chosen_from": ["strng"]}).problems
    assert "pairing.chosen_from" in problem
    assert "no writer is called `strng`" in problem
    assert "strong" in problem
    (problem,) = check({"groups": {"top": ["strong", "wek"]}, "chosen_from": ["top"]}).problems
    assert "pairing.groups.top" in problem
    assert not check({"chosen_from": ["strong"], "rejected_from": ["weak"]}).problems


def test_a_name_of_a_row_is_looked_for_in_the_rows(check: Any, tmp_path: Path) -> None:
    brought = [{"text": "Mine.", "model": "human"}]
    line = {"id": "p0", "prompt": "Tell me a fact.", "completions": brought}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(line) + "\n")
    report = check({"chosen_from": ["human"]}, add_to_ready=1)
    assert not any("human" in warning for warning in report.warnings)
    report = check({"chosen_from": ["humen"]}, add_to_ready=1)
    (warning,) = [warning for warning in report.warnings if "humen" in warning]
    assert warning.startswith("pairing.chosen_from: `humen` writes no completion")


def test_writers_that_are_drawn_for_some_prompts_only_are_told_with_their_share(check: Any) -> None:
    pool = {"models": None, "pool": ["strong", "good", "fair"], "always": ["weak"]}
    report = check({"chosen_from": ["strong"], "rejected_from": ["weak"]}, **pool, completions=3)
    (warning,) = [one for one in report.warnings if "drawn" in one]
    assert warning.startswith(
        "pairing.chosen_from: for about 33% of the prompts no writer is drawn"
    )
    report = check({"chosen_from": ["strong"]}, **pool, completions=4)
    assert not any("drawn" in one for one in report.warnings)


def test_pairs_of_a_run_have_the_sides_that_were_named(tmp_path: Path, server: LocalServer) -> None:
    models = {name: model(server, model=name) for name in ("small", "strong", "weak")}
    file = write_config(
        tmp_path,
        server,
        prompts=12,
        models=models,
        sampling={"models": ["strong", "weak"], "completions": 4, "max_tokens": 64},
        pairing={"groups": {"top": ["strong"]}, "chosen_from": "top", "rejected_from": "weak"},
    )
    result = run(file, tmp_path / "out")
    made = rows(tmp_path / "out" / "pairs.jsonl")
    assert made
    assert {(row["chosen_model"], row["rejected_model"]) for row in made} == {("strong", "weak")}
    skips = rows(tmp_path / "out" / "skips.jsonl")
    assert {row["reason"] for row in skips} <= {"wrong_writers", "tie"}
    assert len(made) + len(skips) == 12
    card = (tmp_path / "out" / "README.md").read_text()
    assert "groups top: strong" in card
    assert result.exit_code == 0
    with pytest.raises(ConfigError, match="no writer is called"):
        run(write_config(tmp_path, server, pairing={"chosen_from": "nobody"}), tmp_path / "none")
