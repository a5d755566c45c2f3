"""Several processes on one folder keep every promise of one, whoever of them dies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import judgeforge
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer, faults
from tests.support.kills import calls_lost, result_bytes
from tests.support.run_process import Command, kill, start
from tests.support.run_setup import PRICE, model, rows, run, write_config
from tests.support.waiting import wait_for_requests, wait_until
from tests.support.worker_kills import children, is_alive, run_through_worker_kills, worker_pids

PRICES = {"small": PRICE}
PROMPTS = 90
"""The first 64 are judged by the coordinator, which learns the judges from them."""


def straight(config: Path, server: LocalServer) -> dict[str, bytes]:
    """Of an undisturbed run in one process, paid anew."""
    server.behaviour.latency_s = 0
    config.write_text(config.read_text() + "cache: {dir: other-cache}\n")
    folder = config.parent / "straight"
    assert run(config, folder).exit_code == 0
    return result_bytes(folder)


@pytest.mark.slow
class TestUndisturbed:
    def test_workers_give_the_bytes_of_one_process_and_leave_nothing_behind(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.05
        config = write_config(tmp_path, server, prompts=PROMPTS * 2)
        result = run(config, out, workers=2)
        assert result.exit_code == 0
        assert len(server.requests) == PROMPTS * 2 * 8
        assert server.in_flight_max <= 16
        assert len(worker_pids(out)) == 2
        assert not any(Path(f"/proc/{pid}").exists() for pid in worker_pids(out))
        totals = result.manifest["totals"]
        assert totals["calls"] == {"paid": PROMPTS * 2 * 8, "cached": 0}
        assert totals["cost_usd"] == pytest.approx(server.billed_usd(PRICES))
        assert calls_lost(RunFolder(out).spending_file) == 0
        assert RunFolder(out).all_used_numbers() == []
        assert result_bytes(out) == straight(config, server)

    def test_a_folder_goes_on_with_another_number_of_workers_or_none(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=PROMPTS)
        run(config, out, workers=3, limit=30)
        run(config, out, limit=60)
        assert run(config, out, workers=2).exit_code == 0
        assert len(server.requests) == PROMPTS * 8
        assert result_bytes(out) == straight(config, server)

    def test_equal_prompts_are_asked_once_whoever_has_them(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.15
        equal = [{"id": f"p{n}", "prompt": f"Tell me fact number {n // 3}."} for n in range(150)]
        (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in equal))
        source = {"path": "prompts.jsonl", "duplicate_prompts": "keep"}
        config = write_config(tmp_path, server, prompts=source, judging=_NO_FIT)
        assert run(config, out, workers=2).exit_code == 0
        assert len(server.requests) == 50 * 8
        assert worker_pids(out)

    def test_a_rate_that_is_configured_holds_over_all_processes(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        own = {"small": model(server, rpm=1200, concurrency=8)}
        config = write_config(tmp_path, server, prompts=20, models=own, judging=_NO_FIT)
        run(config, out, workers=2)
        at = [request.at for request in server.requests]
        for first, begun in enumerate(at):
            within = sum(begun <= other < begun + 2.0 for other in at[first:])
            assert within <= 2.0 * 20 + 4, "twenty a second, and what may come at once"


_NO_FIT = {"judges": [{"model": "small"}], "fit_prompts": 0, "fit_repeats": 0}
"""The coordinator keeps one prompt to itself."""


@pytest.mark.slow
class TestMoney:
    def test_the_budget_holds_over_all_processes(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        for usd in (0.05, 0.12):
            config = write_config(
                tmp_path, server, prompts=120, budget={"usd": usd}, judging=_NO_FIT
            )
            result = run(config, out, workers=3)
            assert result.exit_code == 3
            assert 0.5 * usd < server.billed_usd(PRICES) <= usd
            assert result.manifest["totals"]["cost_usd"] <= usd
        assert run(config, out, workers=2, budget_usd=5).exit_code == 0
        assert len(server.requests) == 120 * 8

    def test_calls_are_counted_exactly(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(
            tmp_path, server, prompts=60, budget={"max_calls": 205}, judging=_NO_FIT
        )
        result = run(config, out, workers=3)
        assert result.exit_code == 3
        assert 180 < len(server.requests) <= 205
        assert result.manifest["totals"]["calls"]["paid"] == len(server.requests)


@pytest.mark.slow
class TestStops:
    def test_ctrl_c_stores_what_is_in_flight_in_all_processes(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.3
        config = write_config(tmp_path, server, prompts=200, judging=_NO_FIT)
        process = start_with_two(config, out)
        wait_for_requests(server, len(server.requests) + 60, process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130, stderr
        assert "Traceback" not in stderr
        stored = [row for row in rows(out / "log.jsonl") if row.get("outcome") == "stop"]
        assert len(stored) == len(server.requests)
        assert calls_lost(RunFolder(out).spending_file) == 0

    def test_a_key_that_is_refused_in_a_worker_stops_them_all(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.status(401), when=lambda _: len(server.requests) > 200)
        server.behaviour.latency_s = 0.02
        config = write_config(tmp_path, server, prompts=120, judging=_NO_FIT)
        result = run(config, out, workers=2)
        assert result.exit_code == 4
        assert "TEST_KEY" in str(result.stopped_by)
        assert len(server.requests) < 260
        server.faults.clear()
        assert run(config, out, workers=2).exit_code == 0

    def test_where_no_worker_can_live_the_run_goes_on_without_and_says_so(
        self, tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("judgeforge.runs.cluster.workers.MOST_DEATHS", 1)
        monkeypatch.setattr("judgeforge.runs.cluster.processes._PROGRAM", "no_such_program")
        server.behaviour.latency_s = 0.2
        config = write_config(tmp_path, server, prompts=40)
        result = run(config, out, workers=2)
        assert result.exit_code == 0
        assert any("no_such_program" in note for note in result.notes)
        assert len(server.requests) == 40 * 8


@pytest.mark.slow
class TestKills:
    def test_workers_and_coordinator_die_and_nothing_is_lost_or_bought_twice(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.05
        config = write_config(tmp_path, server, prompts=160, judging=_NO_FIT, budget={"usd": 2.0})
        found = run_through_worker_kills(config, out, server, kills=6, chance=random.Random(3))
        assert found.exit_code == 0
        assert len(found.killed) >= 4
        assert found.sent - found.repeated == 160 * 8
        assert found.repeated <= found.in_flight
        assert server.billed_usd(PRICES) <= 2.0
        manifest = json.loads((out / "manifest.json").read_text())
        assert server.billed_usd(PRICES) <= manifest["totals"]["cost_usd"] <= 2.0
        assert result_bytes(out) == straight(config, server)

    def test_a_worker_that_stands_still_holds_up_its_own_prompts_alone(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.05
        config = write_config(tmp_path, server, prompts=100, judging=_NO_FIT)
        process = start_with_two(config, out)
        stopped = children(process.pid)[0]
        wait_for_requests(server, 200, process)
        os.kill(stopped, signal.SIGSTOP)
        sent = len(server.requests)
        wait_for_requests(server, sent + 100, process)
        time.sleep(0.2)
        os.kill(stopped, signal.SIGCONT)
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(server.requests) == 100 * 8

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they are new processes")
    def test_those_of_the_command_line_are_copies_of_it_and_the_next_one_is_a_new_process(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.2
        config = write_config(tmp_path, server, prompts=200, judging=_NO_FIT)
        process = start_with_two(config, out)
        first, second = map(_command_of, worker_pids(out))
        assert first == second == _command_of(process.pid)
        os.kill(worker_pids(out)[0], signal.SIGKILL)
        wait_until(lambda: len(worker_pids(out)) == 3, process)
        assert b"worker_process" in _command_of(worker_pids(out)[2])
        kill(process)

    def test_workers_that_are_told_to_end_by_another_program_are_replaced(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        """As some job managers and guards of memory do: it is no stop of the run."""
        server.behaviour.latency_s = 0.2
        config = write_config(tmp_path, server, prompts=40, judging=_NO_FIT)
        process = start_with_two(config, out)
        wait_for_requests(server, 60, process)
        for pid in worker_pids(out):
            os.kill(pid, signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0
        ended = [out / "pairs.jsonl", out / "skips.jsonl"]
        assert sum(len(file.read_text().splitlines()) for file in ended) == 40

    def test_orphans_go_with_their_coordinator(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.2
        config = write_config(tmp_path, server, prompts=200, judging=_NO_FIT)
        process = start_with_two(config, out)
        wait_for_requests(server, 100, process)
        orphans = children(process.pid)
        kill(process)
        wait_until(lambda: not any(map(is_alive, orphans)))


def start_with_two(config: Path, out: Path) -> subprocess.Popen[str]:
    """The command line, once both of its workers have begun."""
    process = start(config, out, "--workers", "2")
    wait_until(lambda: (out / "log.jsonl").exists() and len(worker_pids(out)) == 2, process)
    return process


def _command_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_what_cannot_be_split_is_done_by_one_process_and_said(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    one = {"small": model(server, concurrency=1)}
    config = write_config(tmp_path, server, prompts=2, models=one)
    result = run(config, out, workers=4)
    assert result.exit_code == 0
    assert any("takes 1 request at a time" in note for note in result.notes)
    assert worker_pids(out) == []


def test_a_number_below_one_is_refused(tmp_path: Path, server: LocalServer, out: Path) -> None:
    config = judgeforge.load_config(write_config(tmp_path, server))
    with pytest.raises(ValueError, match="from 1"):
        judgeforge.run(config, out, workers=0)
    with pytest.raises(TypeError, match="workers"):
        judgeforge.run(config, out, workers="two")  # type: ignore[arg-type]


def test_the_command_refuses_it_too(
    tmp_path: Path, server: LocalServer, out: Path, command: Command
) -> None:
    config = write_config(tmp_path, server)
    assert command("run", config, "--out", out, "--workers", 0)[0] == 2
