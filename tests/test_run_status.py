"""`judgeforge status`: running or not, since when, how far, how much, and for how long."""

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from judgeforge.errors import ConfigError
from judgeforge.run_status import read_status
from tests.run_process import kill, start
from tests.run_setup import run, write_config, write_prompts


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_a_finished_folder_tells_what_its_manifest_does(tmp_path, server, out):
    result = run(write_config(tmp_path, server, prompts=3, budget={"usd": 1.0}), out)
    status = read_status(out)
    assert (status.status, status.running, status.eta_s) == ("complete", False, None)
    assert (status.prompts, status.done, status.pairs, status.calls) == (3, 3, 3, 24)
    assert status.cost_usd == pytest.approx(result.manifest["totals"]["cost_usd"])
    assert status.budget_usd == 1.0


def test_a_run_that_goes_on_and_one_that_was_killed(tmp_path, server, out):
    server.behaviour.latency_s = 0.05
    write_prompts(tmp_path, 200)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write("no json\n")
    limits = {"concurrency": 8, "max_skip_share": 1.0}
    process = start(write_config(tmp_path, server, limits=limits), out)
    while len(server.requests) < 200:
        time.sleep(0.02)
    before = {file: file.read_bytes() for file in (out / "state").glob("lock")}
    status = read_status(out)
    assert (status.running, status.status, status.pid) == (True, "running", process.pid)
    assert 5 <= status.done < 200
    assert status.pairs + sum(status.skips.values()) == status.done
    assert status.skips["invalid_row"] == 1
    assert status.calls >= 200 - 16
    assert abs(datetime.fromisoformat(status.since) - datetime.now(UTC)) < timedelta(seconds=60)
    assert 0 < status.eta_s < 600
    kill(process)
    status = read_status(out)
    assert (status.running, status.status, status.eta_s) == (False, "killed", None)
    assert {file: file.read_bytes() for file in before} == before


def test_it_changes_nothing_and_keeps_nobody_out(tmp_path, server, out):
    config = write_config(tmp_path, server, prompts=2)
    run(config, out)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in out.rglob("*") if p.is_file()}
    read_status(out)
    assert before == {
        p: (p.stat().st_mtime_ns, p.read_bytes()) for p in out.rglob("*") if p.is_file()
    }
    assert run(config, out).did_nothing


def test_the_command_prints_lines_or_json(tmp_path, server, out, command):
    run(write_config(tmp_path, server), out, budget_usd=0.0)
    code, shown, _ = command("status", out)
    assert code == 0
    assert "0 of 6 prompts done" in shown
    assert "budget.usd" in shown
    told = json.loads(command("status", out, "--json")[1])
    assert told["status"] == "budget"
    assert told["folder"] == os.fspath(out)


def test_a_folder_that_is_none_is_a_mistake(tmp_path, command):
    with pytest.raises(ConfigError, match="no run folder"):
        read_status(tmp_path)
    assert command("status", tmp_path)[0] == 2
