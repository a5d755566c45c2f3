"""`judgeforge status`: running or not, since when, how far, how much, and for how long."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import ConfigError, StoreError
from judgeforge.results.status import read_status, trouble_of
from judgeforge.runs.followed_run import FollowedRun
from judgeforge.store.json_lines import read_log
from tests.local_server import LocalServer, faults
from tests.support.run_process import Command, kill, start
from tests.support.run_setup import run, write_config, write_prompts
from tests.support.waiting import wait_for_requests, wait_until

Tell = Callable[..., str | None]


def test_a_finished_folder_tells_what_its_manifest_does(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    result = run(write_config(tmp_path, server, prompts=3, budget={"usd": 1.0}), out)
    status = read_status(out)
    assert (status.status, status.running, status.eta_s) == ("complete", False, None)
    assert (status.prompts, status.done, status.pairs, status.calls) == (3, 3, 3, 24)
    assert status.cost_usd == pytest.approx(result.manifest["totals"]["cost_usd"])
    assert status.budget_usd == 1.0


def test_what_workers_hold_for_calls_to_come_counts_neither_as_sent_nor_as_spent(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    run(write_config(tmp_path, server, prompts=3), out)
    before, state = read_status(out), out / "state"
    with (state / "spending.jsonl").open("a") as file:
        file.writelines(f'["reserved",{number},1000000000]\n' for number in range(24, 34))
    (state / "leases.jsonl").write_text('{"worker":"w1","first":24,"count":10,"day":null}\n')
    (state / "used-numbers-w1").write_text("24\n26\n")
    look = FollowedRun(out).look()
    assert look is not None
    for status in (read_status(out), look.status):
        assert (status.calls, status.reserved_usd) == (before.calls + 2, pytest.approx(0.002))
        assert status.cost_usd == pytest.approx(before.cost_usd + 0.002)


def test_a_manifest_whose_bytes_are_no_text_is_named(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=1)
    run(config, out)
    (out / "manifest.json").write_bytes(b'{"format_version": 1, \xff}')
    for look in (read_status, lambda folder: run(config, folder)):
        with pytest.raises(StoreError, match=r"manifest.json: this is not a manifest"):
            look(out)


@pytest.mark.slow
def test_a_run_that_goes_on_and_one_that_was_killed(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    server.behaviour.latency_s = 0.05
    write_prompts(tmp_path, 200)
    with (tmp_path / "prompts.jsonl").open("a") as file:
        file.write("no json\n")
    limits = {"concurrency": 8, "max_skip_share": 1.0}
    process = start(write_config(tmp_path, server, limits=limits), out)
    wait_for_requests(server, 200, process)
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


def test_it_changes_nothing_and_keeps_nobody_out(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=2)
    run(config, out)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in out.rglob("*") if p.is_file()}
    read_status(out)
    assert before == {
        p: (p.stat().st_mtime_ns, p.read_bytes()) for p in out.rglob("*") if p.is_file()
    }
    assert run(config, out).did_nothing


def test_the_command_prints_lines_or_json(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    run(write_config(tmp_path, server), out, budget_usd=0.0)
    code, shown, _ = command("status", out)
    assert code == 0
    assert "0 of 6 prompts done" in shown
    assert "budget.usd" in shown
    told = json.loads(command("status", out, "--json")[1])
    assert told["status"] == "budget"
    assert told["folder"] == os.fspath(out)


def test_a_folder_that_is_none_is_a_mistake(tmp_path: Path, command: Command) -> None:
    with pytest.raises(ConfigError, match="is not a run folder"):
        read_status(tmp_path)
    assert command("status", tmp_path)[0] == 2


START = {"event": "run_started"}
ANSWERED = {"event": "call", "model": "small"}
FAILED = {"event": "call", "model": "small", "error": "HTTP 500 from small"}
OPENED = {"event": "circuit_opened", "model": "small"}
CLOSED = {"event": "circuit_closed", "model": "small"}


class TestTrouble:
    """From the log, which the run writes anyway."""

    NOW = datetime(2026, 10, 18, 12, 0, 0, tzinfo=UTC)

    @pytest.fixture
    def told(self, tmp_path: Path) -> Tell:
        def tell(*events: tuple[int, dict[str, str]], running: bool = True) -> str | None:
            log = tmp_path / "log.jsonl"
            times = (self.NOW - timedelta(seconds=seconds) for seconds, _ in events)
            lines = [
                {"time": at.isoformat(), **fields}
                for at, (_, fields) in zip(times, events, strict=True)
            ]
            text = "".join(json.dumps(line) + "\n" for line in lines)
            log.write_text(f'rest of a line"}}\n[]\n{{"event":"call"}}\n{text}{{"time": "20')
            return trouble_of(log, running=running, now=self.NOW)

        return tell

    @pytest.mark.parametrize(
        ("events", "said"),
        [
            ([(90, START), (3, ANSWERED)], None),
            ([(90, START), (60, FAILED), (3, ANSWERED)], None),
            ([(90, FAILED), (3, START)], None),
            ([(45, START)], "no paid call has ended for 45 s"),
            ([(90, START), (60, FAILED), (45, ANSWERED)], "no paid call has ended for 45 s"),
            (
                [(9, START), (5, ANSWERED), (3, FAILED)],
                "the last call of model `small` failed 3 s ago: HTTP 500 from small",
            ),
            (
                [(9, START), (5, FAILED), (5, OPENED), (3, FAILED)],
                "the last call of model `small` failed 3 s ago; its circuit is open: HTTP 500 "
                "from small",
            ),
            (
                [(9, START), (7, OPENED), (5, CLOSED), (3, FAILED)],
                "the last call of model `small` failed 3 s ago: HTTP 500 from small",
            ),
        ],
    )
    def test_it_is_told_while_no_call_is_answered(
        self, told: Tell, events: list[Any], said: str | None
    ) -> None:
        assert told(*events) == said

    def test_of_a_killed_run_only_how_its_last_call_failed(self, told: Tell) -> None:
        assert told((90, START), (45, ANSWERED), running=False) is None
        assert "HTTP 500" in told((90, START), (45, FAILED), running=False)

    def test_only_the_end_of_a_long_log_is_read(self, tmp_path: Path) -> None:
        log = tmp_path / "log.jsonl"
        log.write_bytes(b'{"time":"2026-10-18T11:00:00Z","event":"run_started"}\n' * 10_000)
        read = list(read_log(log, last_bytes=1000))
        assert len(read) == 18
        assert list(read_log(tmp_path / "none", last_bytes=1000)) == []


@pytest.mark.slow
def test_the_command_says_what_keeps_a_run_from_getting_on(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    server.faults.add(faults.status(500))
    process = start(write_config(tmp_path, server, prompts=2), out, "--quiet")
    log = out / "log.jsonl"
    wait_until(lambda: log.exists() and b"circuit_opened" in log.read_bytes(), process)
    shown = command("status", out)[1]
    assert "running" in shown
    assert "the last call of model `small` failed" in shown
    assert "its circuit is open: HTTP 500" in shown
    kill(process)
    assert "its circuit is open: HTTP 500" in command("status", out)[1]
