"""Verifiers decide before a judge is asked; what they decide is certain, kept and explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.judging.programs.sandbox import open_sandbox
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from judgeforge.runs.validation import verifiers
from tests.local_server import LocalServer
from tests.support.input_files import write_jsonl
from tests.support.run_process import Command
from tests.support.run_setup import logged, rows, run, write_config
from tests.support.sandboxes import needs_sandbox

RUBRIC = """
name: verified
version: 1
criteria:
  - {name: right, weight: 3, required: true, check: {function: "own:is_right"}}
  - {name: sound, yes_no: Is it sound?}
"""
FUNCTION = """
from pathlib import Path

def is_right(answer, reference):
    with (Path(__file__).parent / "calls").open("a") as file:
        file.write(answer + "\\n")
    if reference is None or "perhaps" in answer:
        return None, "nobody knows"
    answer = answer.replace("six", "6")
    return answer == reference, f"{answer} against {reference}"
"""
ROWS: list[dict[str, Any]] = [
    {"id": "decided", "completions": ["4", "5"], "reference": "4"},
    {"id": "in-part", "completions": ["perhaps 4", "5", "4"], "reference": "4"},
    {"id": "one", "completions": ["perhaps 4", "perhaps 5", "5"], "reference": "4"},
    {"id": "open", "completions": ["blue, I think", "no idea"]},
    {"id": "all-right", "completions": ["6", "six"], "reference": "6"},
    {"id": "both-wrong", "completions": ["7", "8"], "reference": "9"},
]
ASKED_OF_A_JUDGE = {"one", "open"}


def set_up(folder: Path, server: LocalServer, **parts: Any) -> Path:
    asked = [{"prompt": f"What is {row['id']}?", **row} for row in ROWS]
    write_jsonl(folder / "prompts.jsonl", asked)
    (folder / "own.py").write_text(FUNCTION)
    config = write_config(folder, server, **{"sampling": None, **parts})
    (folder / "rubric.yaml").write_text(RUBRIC)
    return config


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a configuration whose run is done, and the number of its calls."""
    folder = tmp_path_factory.mktemp("verified")
    with LocalServer() as server:
        assert run(set_up(folder, server), folder / "out").stopped_by is None
        return folder, len(server.requests)


def judgments(folder: Path, prompt_id: str, judge: str) -> list[dict[str, Any]]:
    found = rows(folder / "out" / "judgments.jsonl")
    return [row for row in found if row["prompt_id"] == prompt_id and row["judge"] == judge]


def test_no_judge_is_asked_about_a_prompt_that_they_settle(done: tuple[Path, int]) -> None:
    folder, calls = done
    asked = {row["prompt_id"] for row in rows(folder / "out" / "judgments.jsonl") if row["call"]}
    assert asked == ASKED_OF_A_JUDGE
    assert calls == 5, "three answers of `one`, two of `open`"


def test_a_verified_pair_is_certain_and_names_code_as_its_judge(done: tuple[Path, int]) -> None:
    folder, _ = done
    pairs = {row["prompt_id"]: row for row in rows(folder / "out" / "pairs.jsonl")}
    decided, in_part = pairs["decided"], pairs["in-part"]
    assert (decided["confidence"], decided["p_tie"]) == (1.0, 0.0)
    assert decided["chosen"][0]["content"] == "4"
    assert decided["provenance"]["judges"] == ["checks"]
    assert in_part["provenance"]["chosen_id"] == "in-part.c2"
    assert in_part["provenance"]["rejected_id"] == "in-part.c1"
    quality = json.loads((folder / "out" / "manifest.json").read_text())["quality"]
    assert quality["verified_pairs"] == 2
    for file in ("report.html", "README.md"):
        assert "Code alone decided 2 of " in (folder / "out" / file).read_text()


def test_what_they_leave_undecided_says_why_and_who_decides_it(done: tuple[Path, int]) -> None:
    folder, _ = done
    kinds = {
        row["id"]: [one["missing_kind"] for one in judgments(folder, row["id"], "checks")]
        for row in ROWS
    }
    assert kinds["decided"] == [None, None]
    assert kinds["in-part"] == ["undecided", None, None]
    assert kinds["one"] == kinds["open"] + ["left_to_judges"] == ["left_to_judges"] * 3
    assert "nobody knows" in judgments(folder, "open", "checks")[0]["missing"]
    assert judgments(folder, "one", "checks")[2]["failed_required"] == ["right"]


def test_equal_verdicts_end_as_ties(done: tuple[Path, int]) -> None:
    folder, _ = done
    skips = {row["prompt_id"]: row["reason"] for row in rows(folder / "out" / "skips.jsonl")}
    assert skips["both-wrong"] == "tie"
    assert skips["all-right"] == "tie"


def test_explain_shows_what_the_program_said(done: tuple[Path, int], command: Command) -> None:
    folder, _ = done
    code, shown, _ = command("explain", folder / "out", "decided.p0")
    assert code == 0
    said = " ".join(shown.replace("│", " ").split())
    assert "function: 4 against 4" in said
    assert 'failed: function: "own:is_right" (5 against 4)' in said


def test_each_run_of_a_program_is_in_the_log_and_none_is_run_twice(
    done: tuple[Path, int], server: LocalServer
) -> None:
    folder, _ = done
    told = logged(folder / "out", "program")
    calls = (folder / "calls").read_text().splitlines()
    assert len(told) == len(calls)
    decided = sum(row["score"] is not None for row in told)
    assert run(folder / "config.yaml", folder / "again", limit=2).exit_code == 0
    again = (folder / "calls").read_text().splitlines()[len(calls) :]
    assert again == ["perhaps 4"], "only what was undecided is tried again"
    assert decided < len(told)


def test_plan_and_check_say_how_many_prompts_need_no_judge(done: tuple[Path, int]) -> None:
    folder, _ = done
    config = judgeforge.load_config(folder / "config.yaml")
    plan = plan_run(config)
    told = next(note for note in plan.notes if "verifiers" in note)
    assert told.startswith("6 of 6 prompts can be decided by verifiers")
    assert (plan.calls, plan.calls_high) == (1, 14)
    assert told in check_run(config).notes


@pytest.mark.parametrize(
    ("check", "line", "why"),
    [
        ('{function: "own:nothing"}', 5, "`own:nothing` cannot be called"),
        ('{function: "nowhere:f"}', 5, "No module named 'nowhere'"),
        ("{json_schema: {type: objekt}}", 5, "did you mean `object`"),
        ("{python_tests: {test: x}}", 5, "did you mean `tests`"),
    ],
)
def test_a_verifier_that_cannot_run_is_a_mistake_before_the_run_with_file_and_line(
    check: str, line: int, why: str, tmp_path: Path, server: LocalServer
) -> None:
    config = set_up(tmp_path, server)
    (tmp_path / "rubric.yaml").write_text(
        f"name: v\nversion: 1\ncriteria:\n  - name: right\n    check: {check}\n"
    )
    with pytest.raises(ConfigError, match=why) as error:
        run(config, tmp_path / "out")
    assert f"rubric.yaml:{line}: " in str(error.value)
    assert not (tmp_path / "out").exists()
    assert not server.requests


def test_without_a_sandbox_no_code_is_run_and_the_message_says_what_to_install(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = set_up(tmp_path, server)
    (tmp_path / "rubric.yaml").write_text(
        "name: v\nversion: 1\ncriteria:\n  - {name: right, check: {python_tests: tests}}\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    for known in (open_sandbox, verifiers._no_sandbox):
        known.cache_clear()
    try:
        with pytest.raises(ConfigError, match="never run without one") as error:
            run(config, tmp_path / "out")
    finally:
        for known in (open_sandbox, verifiers._no_sandbox):
            known.cache_clear()
    assert "apt-get install bubblewrap" in str(error.value)
    assert "rubric.yaml:4: criteria[0].check.python_tests" in str(error.value)


@needs_sandbox
def test_code_is_put_to_the_tests_of_its_row(tmp_path: Path, server: LocalServer) -> None:
    good, bad = ("def f():\n    return " + value for value in ("1", "2"))
    write_jsonl(
        tmp_path / "prompts.jsonl",
        [{"id": "f", "prompt": "f", "completions": [bad, good], "test_list": ["assert f() == 1"]}],
    )
    source = {"path": "prompts.jsonl", "keep": ["test_list"]}
    config = write_config(tmp_path, server, prompts=source, sampling=None, judging={})
    (tmp_path / "rubric.yaml").write_text(
        "name: v\nversion: 1\ncriteria:\n  - {name: right, check: {python_tests: test_list}}\n"
    )
    assert run(config, tmp_path / "out").exit_code == 0
    (pair,) = rows(tmp_path / "out" / "pairs.jsonl")
    assert (pair["chosen"][0]["content"], pair["confidence"]) == (good, 1.0)
    assert not server.requests
