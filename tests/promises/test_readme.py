"""README.md names what exists, and its configuration and its table of exit codes are true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import judgeforge
from judgeforge import errors
from judgeforge.cli import app
from judgeforge.config.shipped import init_project, shipped_prompts
from judgeforge.runs.planning.check import check_run

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_every_file_that_is_linked_exists() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)", TEXT))
    assert len(linked) > 20
    assert {target for target in linked if not (PROJECT / target).exists()} == set()


def test_every_command_and_option_exists() -> None:
    lines = [line.split("#")[0] for block in blocks("bash") for line in block.splitlines()]
    used = [line.split() for line in lines if line.startswith("judgeforge ")]
    assert {words[1] for words in used} >= {"init", "check", "plan", "run", "explain", "export"}
    for _, command, *words in used:
        shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, command
        assert {
            word for word in words if word.startswith("--") and word not in shown.output
        } == set()


def test_the_configuration_is_ready_to_run_in_a_new_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    init_project(tmp_path)
    (tmp_path / "config.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    report = check_run(judgeforge.load_config(tmp_path / "config.yaml"))
    assert report.usable, report.problems


def test_what_a_thousand_pairs_cost_is_what_was_measured() -> None:
    figures = json.loads((PROJECT / "benchmarks" / "results" / "cost.json").read_text())
    cost = {
        row["way"]: 1000 * row["usd"] / row["pairs"]
        for row in figures
        if row["world"].startswith("made up")
    }
    first_screen = TEXT[: TEXT.index("## Two commands")]
    told = [float(usd) for usd in re.findall(r"\$([\d.]+)", first_screen)]
    assert told == [
        round(cost["… and in batches"], 2),
        round(cost["four judges on everything"], 2),
    ]


def test_the_rubrics_are_those_that_are_shipped() -> None:
    named = re.search(r"Shipped rubrics: (.*?)\.\n", TEXT, re.DOTALL)
    assert named is not None
    shipped = {file.stem for file in (shipped_prompts() / "rubrics").glob("*.yaml")}
    assert set(re.findall(r"`(\w+)`", named.group(1))) == shipped - {"quickstart"}


def test_the_exit_codes_are_those_of_the_errors() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    raised = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.JudgeforgeError)
    }
    assert told - {0, 5} == raised


def test_the_row_with_tools_gives_the_pair_that_is_shown(tmp_path: Path) -> None:
    (row,) = blocks("json")
    (tmp_path / "prompts.jsonl").write_text(json.dumps(json.loads(row)) + "\n", encoding="utf-8")
    told = re.search(r"`check: (\{calls_tool.*?\})`,", TEXT)
    assert told is not None
    criterion = {"name": "looks_up_rome", "check": yaml.safe_load(told[1])}
    rubric = {"name": "tool-use", "version": 1, "criteria": [criterion]}
    (tmp_path / "rubric.yaml").write_text(yaml.safe_dump(rubric), encoding="utf-8")
    config = {
        "prompts": {"path": "prompts.jsonl"},
        "rubric": "rubric.yaml",
        "pairing": {"thinking": "keep"},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    judgeforge.run(judgeforge.load_config(tmp_path / "config.yaml"), tmp_path / "out")
    command = [sys.executable, "-m", "judgeforge", "explain", str(tmp_path / "out"), "coat.p0"]
    environment = {**os.environ, "COLUMNS": "100"}
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told_lines = next(block for block in blocks("") if "tools: get_weather" in block).splitlines()
    assert len(told_lines) > 15
    assert [line for line in told_lines if line not in shown.stdout.splitlines()] == []
