"""The guided tour and the page on running are true: rows give the pairs that are shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

import judgeforge
from judgeforge import errors
from judgeforge.config.shipped import shipped_prompts
from judgeforge.runs.watching import EXIT_KILLED

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs" / "tour.md").read_text(encoding="utf-8")
RUNNING = (PROJECT / "docs" / "running.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_the_rubrics_are_those_that_are_shipped() -> None:
    named = re.search(r"Shipped rubrics: (.*?)\.\n", TEXT, re.DOTALL)
    assert named is not None
    shipped = {file.stem for file in (shipped_prompts() / "rubrics").glob("*.yaml")}
    assert set(re.findall(r"`(\w+)`", named.group(1))) == shipped - {"quickstart"}


def test_the_exit_codes_are_those_of_the_errors() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", RUNNING, re.MULTILINE)}
    raised = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.JudgeforgeError)
    }
    assert told - {0, 5} == raised


def test_the_exit_code_of_a_run_that_is_gone_is_told() -> None:
    assert f"exit {EXIT_KILLED}" in RUNNING


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
