"""A folder of an earlier version stays readable, and goes on without paying again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from judgeforge.calls.money.budget import Budget
from judgeforge.results.explain import explain
from judgeforge.results.status import read_status
from tests.local_server import LocalServer
from tests.support.run_setup import run, write_config, write_prompts


@pytest.fixture
def old(tmp_path: Path, server: LocalServer) -> Path:
    """A run of three prompts, as the first version left it."""
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


def test_it_can_be_looked_at(old: Path) -> None:
    status = read_status(old)
    assert (status.status, status.done, status.pairs, status.since) == ("complete", 3, 3, None)
    assert explain(old, "p0.p0")


def test_it_is_finished_and_goes_on_with_new_rows_only(
    tmp_path: Path, server: LocalServer, old: Path
) -> None:
    config = tmp_path / "config.yaml"
    assert run(config, old).did_nothing
    write_prompts(tmp_path, 5)
    result = run(config, old)
    assert (result.exit_code, result.manifest["totals"]["prompts"]) == (0, 5)
    assert len(server.requests) == 5 * 8


def test_what_it_spent_is_known(tmp_path: Path, old: Path) -> None:
    spent = Budget(old / "state" / "spending.jsonl").spending()
    assert spent.calls == 24
