"""What an earlier version left behind opens: run folders, a cache, a ledger, a calibration.

`made_before/` is a project of four prompts, one run of it that finished and one that its budget
stopped. Its server is long gone, so whatever is paid for here fails the test. What the very first
version left out is taken out of a run of today.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import load_dataset

import judgeforge
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import Ledger
from judgeforge.results.explain import explain
from judgeforge.results.export.export import export_pairs
from judgeforge.results.report.writing import write_report
from judgeforge.results.status import read_status
from judgeforge.runs.planning.check import check_run
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config, write_prompts

RESULTS = ("pairs.jsonl", "completions.jsonl", "judgments.jsonl", "skips.jsonl")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).parent / "made_before", folder)
    return folder


def test_a_finished_folder_can_be_read(project: Path) -> None:
    folder = project / "finished"
    status = read_status(folder)
    assert (status.status, status.done, status.pairs) == ("complete", 4, 4)
    for pair in rows(folder / "pairs.jsonl"):
        assert explain(folder, pair["id"]).pair.id == pair["id"]
    assert write_report(folder).is_file()
    assert export_pairs(folder, target="trl", to=project / "trl.jsonl").rows["train"] == 4


def test_a_finished_folder_has_nothing_left_to_do(project: Path) -> None:
    before = {name: (project / "finished" / name).read_bytes() for name in RESULTS}
    result = run(project / "config.yaml", project / "finished")
    assert result.did_nothing
    assert len(result.pairs) == 4
    assert {name: (project / "finished" / name).read_bytes() for name in RESULTS} == before


def test_a_stopped_folder_goes_on_and_ends_with_the_same_pairs(project: Path) -> None:
    result = run(project / "stopped.yaml", project / "stopped")
    assert (result.exit_code, result.manifest["status"]) == (0, "complete")
    assert result.manifest["prompt_layout"] == 1, "as before there was another one"
    for name in RESULTS:
        _holds_what_it_held(project / "stopped" / name, project / "finished" / name)


def test_a_folder_may_hold_lines_of_both_versions(project: Path) -> None:
    folder = project / "finished"
    before = {name: (folder / name).read_bytes() for name in RESULTS}
    journal = RunFolder(folder).journal_file
    *_, (_, last) = Journal(journal, read_only=True).entries()
    os.truncate(journal, last.offset)
    result = run(project / "config.yaml", folder)
    assert (result.exit_code, len(result.pairs)) == (0, 4)
    assert "answered_models" not in rows(folder / "pairs.jsonl")[0]["provenance"]
    loaded = load_dataset(str(folder), split="train")
    assert loaded["chosen"][:] == result.pairs["chosen"][:]
    assert [row["answered_models"] for row in loaded["provenance"]][-1]
    judgments = rows(folder / "judgments.jsonl")
    assert {"missing_kind" in row for row in judgments} == {True, False}
    for pair in result.pairs:
        assert explain(folder, pair["id"]).pair.id == pair["id"]
    assert write_report(folder).is_file()
    for name, text in before.items():
        (project / "before").write_bytes(text)
        _holds_what_it_held(folder / name, project / "before")


def test_the_cache_fills_a_new_folder_without_a_call(project: Path) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    config["judging"]["prompt_layout"] = 1
    (project / "config.yaml").write_text(yaml.safe_dump(config))
    result = run(project / "config.yaml", project / "again")
    assert result.manifest["totals"]["calls"] == {"paid": 0, "cached": 24}
    assert result.manifest["prompt_layout"] == 1
    for name in RESULTS:
        _holds_what_it_held(project / "again" / name, project / "finished" / name)


def test_the_ledger_knows_what_a_day_has_spent(project: Path) -> None:
    ledger = Ledger(project / "ledger.txt", daily_pico=None)
    day = ledger.total("2026-11-26")
    ledger.close()
    assert (day.settled, day.calls) == (124_543_000_000, 228)


def test_a_calibration_is_taken_for_what_it_measured(project: Path) -> None:
    config = yaml.safe_load((project / "labels.yaml").read_text())
    config["judging"]["calibration"] = "calibration.json"
    config["pairing"] = {"max_error": 0.3}
    (project / "calibrated.yaml").write_text(yaml.safe_dump(config))
    assert check_run(judgeforge.load_config(project / "calibrated.yaml"))


ESTIMATES = frozenset({"confidence", "p_best", "score_sd", "score", "score_margin"}) | {
    f"score_{side}" for side in ("chosen", "rejected")
}
"""Of the posterior, which a later version may know better: what is ranked again has new ones."""


def _holds_what_it_held(file: Path, before: Path) -> None:
    """Fields may have been added since, never renamed or left out, and only estimates changed."""
    now, then = rows(file), rows(before)
    assert len(now) == len(then)
    for row, old in zip(now, then, strict=True):
        told = {name: value for name, value in old.items() if name not in ESTIMATES}
        assert old.keys() <= row.keys()
        assert _without_later(row, told) == told


def _without_later(value: Any, old: Any) -> Any:
    """The fields of ``value``, and of what is in it, that ``old`` has too."""
    if isinstance(value, dict) and isinstance(old, dict):
        return {name: _without_later(value[name], old[name]) for name in old}
    return value


@pytest.fixture
def of_the_first_version(tmp_path: Path, server: LocalServer) -> Path:
    folder = tmp_path / "old"
    run(write_config(tmp_path, server, prompts=3), folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["started_at"]
    for key in ("daily_usd", "ledger", "timezone"):
        del manifest["config"]["budget"][key]
    del manifest["config"]["limits"]["min_free_mb"], manifest["config"]["on_finish"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    journal = folder / "state" / "journal.bin"
    journal.write_bytes(journal.read_bytes().replace(b'"format": 1, ', b""))
    (folder / "state" / "cached-calls").unlink()
    (folder / "state" / "lock").write_text("")
    return folder


def test_a_folder_of_the_first_version_can_be_looked_at_and_goes_on_with_new_rows_only(
    tmp_path: Path, server: LocalServer, of_the_first_version: Path
) -> None:
    folder, config = of_the_first_version, tmp_path / "config.yaml"
    status = read_status(folder)
    assert (status.status, status.done, status.pairs, status.since) == ("complete", 3, 3, None)
    assert explain(folder, "p0.p0")
    assert Budget(folder / "state" / "spending.jsonl").spending().calls == 3 * 8
    assert run(config, folder).did_nothing
    write_prompts(tmp_path, 5)
    result = run(config, folder)
    assert (result.exit_code, result.manifest["totals"]["prompts"]) == (0, 5)
    assert len(server.requests) == 5 * 8
