"""What a scheduler sees: second starts, one line or JSON, signals, terminals that close."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_server import LocalServer
from tests.support.run_process import Command, command_line, kill, start
from tests.support.run_setup import rows, run, write_config, write_prompts
from tests.support.waiting import wait_for_requests


def everything(*folders: Path) -> dict[Path, tuple[int, bytes]]:
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


class TestSecondStart:
    @pytest.mark.slow
    def test_it_leaves_at_once_with_75_and_touches_nothing(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=4)
        first = start(config, out)
        server.behaviour.latency_s = 60
        wait_for_requests(server, 4)
        first.send_signal(signal.SIGSTOP)
        before = everything(out, tmp_path / ".judgeforge")
        second = subprocess.run(
            command_line(config, out, "--json"), capture_output=True, text=True, check=False
        )
        assert everything(out, tmp_path / ".judgeforge") == before
        kill(first)
        assert second.returncode == 75
        assert f"process {first.pid}" in second.stderr
        assert json.loads(second.stdout)["status"] == "refused"
        assert len(server.requests) == 4


class TestOutput:
    def test_quiet_is_one_line_on_stdout(
        self, tmp_path: Path, server: LocalServer, out: Path, command: Command
    ) -> None:
        config = write_config(tmp_path, server, prompts=2)
        code, shown, error = command("run", config, "--out", out, "--quiet")
        assert (code, error) == (0, "")
        [line] = shown.splitlines()
        assert line.startswith(f"judgeforge: complete: {out}: 2 prompts, 2 pairs, 0 skips;")
        assert "16 calls sent, $0.0" in line

    def test_quiet_says_why_it_stopped(
        self, tmp_path: Path, server: LocalServer, out: Path, command: Command
    ) -> None:
        config = write_config(tmp_path, server)
        code, shown, _ = command("run", config, "--out", out, "--quiet", "--budget-usd", "0")
        assert code == 3
        assert len(shown.splitlines()) == 1
        assert "judgeforge: budget: " in shown
        assert "budget.usd" in shown

    def test_json_is_the_summary_and_nothing_else_on_stdout(
        self,
        tmp_path: Path,
        server: LocalServer,
        out: Path,
        command: Command,
    ) -> None:
        config = write_config(tmp_path, server, prompts=2)
        code, shown, _ = command("run", config, "--out", out, "--json")
        told = json.loads(shown)
        manifest = json.loads((out / "manifest.json").read_text())
        assert code == told["exit_code"] == 0
        assert (told["status"], told["totals"]) == ("complete", manifest["totals"])
        again = json.loads(command("run", config, "--out", out, "--json")[1])
        assert again["did_nothing"]
        assert again["last_run"]["calls"] == {"paid": 0, "cached": 0}

    def test_json_tells_a_refused_start_as_well(
        self,
        tmp_path: Path,
        server: LocalServer,
        out: Path,
        command: Command,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        config = write_config(tmp_path, server)
        monkeypatch.delenv("TEST_KEY")
        code, shown, error = command("run", config, "--out", out, "--json")
        assert code == json.loads(shown)["exit_code"] == 2
        assert "TEST_KEY is not set" in error

    def test_json_tells_a_mistake_in_the_configuration(
        self, tmp_path: Path, server: LocalServer, out: Path, command: Command
    ) -> None:
        config = write_config(tmp_path, server, budgets={"usd": 1})
        code, shown, error = command("run", config, "--out", out, "--json")
        told = json.loads(shown)
        assert code == told["exit_code"] == 2
        assert "did you mean `budget`" in told["message"]
        assert told["folder"] == str(out)
        assert len(error.splitlines()) == 1
        assert json.loads(command("run", config, "--json")[1])["folder"] == "runs/config"

    @pytest.mark.slow
    def test_an_output_that_nobody_reads_changes_no_exit_code(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=3)
        reading, writing = os.pipe()
        process = subprocess.Popen(command_line(config, out), stdout=writing, stderr=writing)
        os.close(reading)
        os.close(writing)
        assert process.wait(timeout=60) == 0


class TestSignals:
    @pytest.mark.slow
    def test_sigterm_ends_within_the_grace(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 60
        limits = {"concurrency": 16, "grace_s": 0.5}
        process = start(write_config(tmp_path, server, prompts=20, limits=limits), out)
        wait_for_requests(server, 4)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=45)  # the replies take 60 s
        assert process.returncode == 130
        assert json.loads((out / "manifest.json").read_text())["status"] == "interrupted"

    @pytest.mark.slow
    def test_a_run_outlives_its_terminal(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.1
        config = write_config(tmp_path, server, prompts=30)
        child, terminal = pty.fork()
        if child == 0:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may run under nohup
            os.execv(sys.executable, command_line(config, out))  # noqa: S606
        wait_for_requests(server, 40)
        os.close(terminal)
        _, ended = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended) == 0
        manifest = json.loads((out / "manifest.json").read_text())
        assert (manifest["status"], manifest["totals"]["prompts"]) == ("complete", 30)
        assert "terminal_closed" in {row["event"] for row in rows(out / "log.jsonl")}


def test_of_a_grown_input_only_the_new_rows_are_done_and_old_lines_stay_bytes_for_bytes(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=5)
    run(config, out)
    names = ("pairs", "completions", "judgments")
    before = {name: (out / f"{name}.jsonl").read_bytes() for name in names}
    write_prompts(tmp_path, 8)
    result = run(config, out)
    assert result.manifest["last_run"]["prompts"] == 3
    assert len(server.requests) == 8 * 8
    for name in names:
        after = (out / f"{name}.jsonl").read_bytes()
        assert after.startswith(before[name])
        assert len(after) > len(before[name])
