"""Prompts near others or in an evaluation set cost nothing and are named skips in every start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import judgeforge
from judgeforge.errors import ConfigError
from judgeforge.runs.planning.check import check_run
from judgeforge.runs.planning.plan import plan_run
from tests.local_server import LocalServer
from tests.support.input_files import write_jsonl
from tests.support.run_process import Command
from tests.support.run_setup import rows, run, write_config

SKY = "Explain to a child of six years why the sky is blue in the daytime and red at sunset."
FAUST = "Tell me in two short sentences who wrote Faust, in which town, and for which stage."
PROMPTS = [
    {"id": "sky", "prompt": SKY},
    {"id": "faust", "prompt": f"Please answer: {FAUST}"},
    {"id": "sky-again", "prompt": f"{SKY} Thanks!"},
    {"id": "capital", "prompt": "Name a capital."},
]
LEFT_OUT = {"faust": "contaminated", "sky-again": "near_duplicate"}


def set_up(folder: Path, server: LocalServer, **more: Any) -> Path:
    write_jsonl(folder / "prompts.jsonl", PROMPTS)
    (folder / "sets").mkdir(exist_ok=True)
    write_jsonl(folder / "sets" / "faust.jsonl", [{"question": FAUST, "answer": "Goethe"}])
    sought = {"against": ["sets"], "ngram": 8, "share": 0.5}
    prompts = {"path": "prompts.jsonl", "near_duplicates": 0.8, "contamination": sought, **more}
    return write_config(folder, server, prompts=prompts)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a configuration whose run is done, and the number of its calls."""
    folder = tmp_path_factory.mktemp("clean")
    with LocalServer() as server:
        config = set_up(folder, server)
        assert run(config, folder / "out", limit=3).exit_code == 0
        assert run(config, folder / "out").exit_code == 0
        calls = len(server.requests)
        assert run(config, folder / "out").exit_code == 0
        assert len(server.requests) == calls
    return folder, calls


def test_what_is_left_out_costs_nothing_and_is_no_failure(done: tuple[Path, int]) -> None:
    folder, _ = done
    skips = rows(folder / "out" / "skips.jsonl")
    assert {row["prompt_id"]: row["reason"] for row in skips} == LEFT_OUT
    asked = {row["prompt_id"] for row in rows(folder / "out" / "completions.jsonl")}
    assert asked == {"sky", "capital"}
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["status"] == "complete", "half of the rows are skips, and max_skip_share is 0.2"


def test_a_skip_names_the_row_of_the_evaluation_set_or_the_earlier_prompt(
    done: tuple[Path, int],
) -> None:
    folder, _ = done
    said = {row["prompt_id"]: row["detail"] for row in rows(folder / "out" / "skips.jsonl")}
    assert f"{folder}/sets/faust.jsonl:1" in said["faust"]
    assert "`sky` (line 1)" in said["sky-again"]


def test_the_earlier_prompt_is_named_with_its_file_where_there_are_several(
    tmp_path: Path, server: LocalServer
) -> None:
    (tmp_path / "data").mkdir()
    first = write_jsonl(tmp_path / "data" / "a.jsonl", PROMPTS[:2])
    write_jsonl(tmp_path / "data" / "b.jsonl", PROMPTS[2:])
    config = set_up(tmp_path, server, path="data/*.jsonl")
    report = check_run(judgeforge.load_config(config))
    assert any(f"the same as `sky` (line 1 of {first})" in line for line in report.left_out)


def test_check_shows_counts_and_the_clearest_cases(
    done: tuple[Path, int], command: Command
) -> None:
    folder, _ = done
    code, shown, _ = command("check", folder / "config.yaml")
    assert code == 0, shown
    assert "compared with 1 row of evaluation sets" in shown
    assert "contaminated: 1 row, the clearest of them:" in shown
    assert "near_duplicate: 1 row, the clearest of them:" in shown
    report = check_run(judgeforge.load_config(folder / "config.yaml"))
    assert report.usable, report.problems
    assert report.skips == {"near_duplicate": 1, "contaminated": 1}


def test_plan_prices_only_what_stays(done: tuple[Path, int]) -> None:
    folder, _ = done
    report = plan_run(judgeforge.load_config(folder / "config.yaml"))
    assert (report.prompts, report.skips) == (2, 2)


def test_an_evaluation_set_that_grows_drops_finished_prompts_only_when_told(tmp_path: Path) -> None:
    with LocalServer() as server:
        config = set_up(tmp_path, server)
        run(config, tmp_path / "out")
        write_jsonl(tmp_path / "sets" / "more.jsonl", [{"question": SKY}])
        with pytest.raises(ConfigError, match="removed: 1 row"):
            run(config, tmp_path / "out")
        run(config, tmp_path / "out", force=True)
    left_out = {row["prompt_id"] for row in rows(tmp_path / "out" / "skips.jsonl")}
    assert left_out == {"faust", "sky", "sky-again"}
    assert {row["prompt_id"] for row in rows(tmp_path / "out" / "pairs.jsonl")} <= {"capital"}


def test_a_set_that_is_not_there_stops_a_run_before_anything_is_paid(tmp_path: Path) -> None:
    with LocalServer() as server:
        config = set_up(tmp_path, server, contamination={"against": ["evals.jsonl"]})
        report = check_run(judgeforge.load_config(config))
        assert any("evals.jsonl: there is no such file" in one for one in report.problems)
        with pytest.raises(judgeforge.JudgeforgeError, match="there is no such file"):
            run(config, tmp_path / "out")
        assert server.requests == []
