"""Limits, faults, kills and stops: nothing paid is lost, nothing is paid twice, never too much."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import BudgetExhaustedError, CallError, InterruptedRunError
from tests.local_server import LocalServer, faults
from tests.support.kills import WarmStarter, result_bytes, run_through_kills
from tests.support.run_process import Command, command_line, kill, start
from tests.support.run_setup import KEY_VARIABLE, PRICE, model, rows, run, write_config
from tests.support.waiting import wait_for_requests

PRICES = {"small": PRICE}


UPSTREAM_403 = {"error": {"code": 403, "metadata": {"provider_name": "x", "raw": "no access"}}}
"""A router's, where the provider behind it refuses the key."""


def refused(config: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command_line(config, out), check=False, capture_output=True, text=True)


class TestBudget:
    def test_the_run_stops_before_the_budget_is_exceeded_and_goes_on_with_more(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=30, budget={"usd": 0.02})
        result = run(config, out)
        assert (result.exit_code, result.manifest["status"]) == (3, "budget")
        assert isinstance(result.stopped_by, BudgetExhaustedError)
        assert 0 < server.billed_usd(PRICES) <= 0.02
        again = run(config, out, budget_usd=5.0)
        assert again.exit_code == 0
        assert again.manifest["totals"]["prompts"] == 30
        assert len(server.requests) == 30 * 8

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(3))
    def test_it_holds_with_many_in_flight_faults_and_restarts(
        self, tmp_path: Path, server: LocalServer, out: Path, seed: Any
    ) -> None:
        for fault in (faults.status(500), faults.reset_before_reply(), faults.reset_mid_body()):
            server.faults.add(fault, probability=0.1)
        limits = {"concurrency": 256, "max_attempts": 3, "max_retry_s": 2}
        usd = 0.05 + 0.02 * seed
        config = write_config(
            tmp_path,
            server,
            prompts=60,
            limits=limits,
            models={"small": model(server, concurrency=256)},
            budget={"usd": usd},
        )
        for _ in range(3):
            result = run(config, out, retry_skipped=True)
            assert server.billed_usd(PRICES) <= usd
        assert result.manifest["totals"]["cost_usd"] <= usd

    def test_max_calls_is_never_exceeded(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        config = write_config(tmp_path, server, prompts=10, budget={"max_calls": 21})
        result = run(config, out)
        assert result.exit_code == 3
        assert len(server.requests) <= 21

    @pytest.mark.slow
    def test_runs_at_once_never_exceed_the_day_that_they_share(
        self, tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("judgeforge.calls.money.budget.LEDGER_WAIT_S", 0.5)
        server.behaviour.latency_s = 0.02
        daily = {"daily_usd": 0.3, "ledger": "day.txt", "timezone": "Europe/Vienna"}
        config = write_config(tmp_path, server, prompts=90, budget=daily, cache={"dir": "cache-0"})
        configs = [config]
        for number in (1, 2):
            own = config.with_name(f"config-{number}.yaml")
            own.write_text(config.read_text().replace("cache-0", f"cache-{number}"))
            configs.append(own)
        process = start(config, tmp_path / "config")
        wait_for_requests(server, 20, process)
        with ThreadPoolExecutor(2) as others:
            runs = [others.submit(run, own, tmp_path / own.stem) for own in configs[1:]]
            kill(process)
            results = [one.result() for one in runs]
        assert [result.exit_code for result in results] == [3, 3]
        assert all("budget.daily_usd" in str(result.stopped_by) for result in results)
        assert 0.15 < server.billed_usd(PRICES) <= 0.3
        assert run(config, tmp_path / "config").exit_code == 3
        assert server.billed_usd(PRICES) <= 0.3

    def test_an_attempt_without_any_status_counts_as_spent_whole(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.reset_before_reply(), nth=1)
        config = write_config(tmp_path, server, prompts=1)
        totals = run(config, out).manifest["totals"]
        assert totals["calls"]["paid"] == 9
        assert totals["cost_usd"] > server.billed_usd(PRICES)

    def test_a_reply_that_does_not_say_what_it_used_counts_as_the_most(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.missing_usage())
        totals = run(write_config(tmp_path, server, prompts=1), out).manifest["totals"]
        assert totals["tokens"] == {"input": 0, "output": 0}
        most_output = 4 * (64 + 1024) * PRICE["output_per_mtok"] / 1e6
        assert totals["cost_usd"] > max(most_output, server.billed_usd(PRICES))

    def test_a_call_that_was_given_up_on_a_stop_counts_as_spent_whole(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        """One request never answers; the key of the others is refused, and the grace is over."""
        slow = {"small": model(server), "slow": model(server, model="slow")}
        server.faults.add(faults.stall_headers(60), when=lambda request: request.model == "slow")
        later = tuple(range(2, 60))
        server.faults.add(
            faults.status(401), when=lambda request: request.model == "small", nth=later
        )
        sampling = {"models": ["slow", "small"], "completions": 4, "max_tokens": 64, "seed": 7}
        limits = {"concurrency": 16, "grace_s": 0.3}
        config = write_config(
            tmp_path, server, prompts=1, models=slow, sampling=sampling, limits=limits
        )
        result = run(config, out)
        assert result.exit_code == 4
        outcomes = [row["outcome"] for row in rows(out / "log.jsonl") if row["event"] == "call"]
        assert outcomes.count("abandoned") == 2
        totals = result.manifest["totals"]
        assert totals["calls"]["paid"] == 3
        assert totals["cost_usd"] >= server.billed_usd({"small": PRICE, "slow": PRICE})
        assert totals["cost_usd"] > 2 * 64 * PRICE["output_per_mtok"] / 1e6

    def test_a_refused_connection_costs_nothing(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        own = model(server, base_url="http://127.0.0.1:9/v1")
        config = write_config(
            tmp_path,
            server,
            prompts=1,
            models={"small": own},
            limits={"max_attempts": 2, "max_skip_share": 1.0},
        )
        result = run(config, out)
        assert [skip.reason for skip in result.skips] == ["call_failed"]
        assert result.manifest["totals"]["cost_usd"] == 0
        assert result.manifest["totals"]["calls"]["paid"] == 0


class TestRetry:
    @pytest.mark.parametrize(
        "fault",
        [
            faults.status(408),
            faults.status(409),
            faults.status(429, retry_after=0.1),
            faults.status(429, retry_after_ms=50),
            faults.status(500),
            faults.status(503),
            faults.status(529),
            faults.reset_before_reply(),
            faults.reset_mid_body(),
            faults.cut_body(),
            faults.html(),
            faults.wrong_shape(),
            faults.empty_body(),
        ],
        ids=lambda fault: fault.name,
    )
    def test_a_passing_fault_is_tried_again(
        self, tmp_path: Path, server: LocalServer, out: Path, fault: Any
    ) -> None:
        server.faults.add(fault, nth=3)
        result = run(write_config(tmp_path, server, prompts=1), out)
        assert result.manifest["totals"]["pairs"] == 1
        assert len(server.requests) == 9

    @pytest.mark.parametrize("code", [400, 413, 422])
    def test_a_request_that_can_never_succeed_is_not_repeated(
        self, tmp_path: Path, server: LocalServer, out: Path, code: int
    ) -> None:
        server.faults.add(faults.status(code), nth=1)
        run(write_config(tmp_path, server, prompts=1), out)
        assert len([r for r in server.requests if r.status == code]) == 1
        assert rows(out / "completions.jsonl")[0]["finish"] in {"failed", "stop"}

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (faults.status(401), KEY_VARIABLE),
            (faults.status(403), KEY_VARIABLE),
            (faults.status(403, body=UPSTREAM_403), KEY_VARIABLE),
            (faults.quota_exhausted(), "credit"),
            (faults.status(404), "base_url"),
        ],
        ids=["401", "403", "403-upstream", "quota", "404"],
    )
    def test_a_key_or_quota_that_fails_stops_the_run(
        self, tmp_path: Path, server: LocalServer, out: Path, fault: Any, said: Any
    ) -> None:
        server.faults.add(fault)
        result = run(write_config(tmp_path, server, prompts=12), out)
        assert (result.exit_code, result.manifest["status"]) == (4, "provider")
        assert isinstance(result.stopped_by, CallError)
        assert said in str(result.stopped_by)
        assert len(server.requests) <= 48, "half of what all prompts take"
        server.faults.clear()
        again = run(write_config(tmp_path, server), out)
        assert again.exit_code == 0
        assert again.manifest["totals"]["prompts"] == 12

    def test_an_unsupported_parameter_names_the_setting_to_change(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        said = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported."}}
        server.faults.add(faults.status(400, body=said))
        result = run(write_config(tmp_path, server, prompts=2), out)
        assert result.exit_code == 4
        assert "max_tokens_field: max_completion_tokens" in str(result.stopped_by)

    def test_a_redirect_is_not_followed_with_the_key(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.redirect("http://127.0.0.1:9/elsewhere"))
        result = run(write_config(tmp_path, server), out)
        assert (result.exit_code, len(server.requests)) == (4, 4)  # those of the first prompt
        assert "http://127.0.0.1:9/elsewhere" in str(result.stopped_by)
        assert {request.path for request in server.requests} == {"/v1/chat/completions"}

    @pytest.mark.parametrize("fault", [faults.stall_headers(60), faults.stall_body(60)])
    def test_a_stalled_reply_ends_at_the_timeout(
        self, tmp_path: Path, server: LocalServer, out: Path, fault: Any
    ) -> None:
        server.faults.add(fault, nth=1)
        own = model(server, timeout_s=0.5)
        begun = time.monotonic()
        result = run(write_config(tmp_path, server, prompts=1, models={"small": own}), out)
        assert result.manifest["totals"]["pairs"] == 1
        assert time.monotonic() - begun < 30, "it did not wait for the stall"


class TestKill:
    @pytest.mark.slow
    def test_five_kills_lose_nothing_and_repeat_only_what_was_in_flight(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.02
        config = write_config(tmp_path, server, prompts=40)
        with WarmStarter() as starter:
            report = run_through_kills(
                config, out, server, starter, kills=5, chance=random.Random(5)
            )
        assert report.exit_code == 0
        assert report.kills == 5
        assert report.sent - report.repeated == 40 * 8
        assert report.repeated <= report.in_flight <= 5 * 16
        server.behaviour.latency_s = 0
        config.write_text(config.read_text() + "cache: {dir: other-cache}\n")
        run(config, tmp_path / "straight")
        assert result_bytes(out) == result_bytes(tmp_path / "straight")

    @pytest.mark.slow
    def test_ctrl_c_stores_what_is_in_flight_and_exits_130(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.3
        config = write_config(tmp_path, server, prompts=200)
        process = start(config, out)
        wait_for_requests(server, 40, process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
        assert process.returncode == 130, stderr
        assert "Traceback" not in stderr
        sent = len(server.requests)
        stored = len([r for r in rows(out / "log.jsonl") if r.get("outcome") == "stop"])
        assert stored == sent

    @pytest.mark.slow
    def test_sigterm_is_as_orderly_as_ctrl_c(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.2
        process = start(write_config(tmp_path, server, prompts=200), out)
        wait_for_requests(server, 20, process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 130

    @pytest.mark.slow
    def test_a_second_ctrl_c_leaves_at_once(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.stall_headers(60))
        limits = {"concurrency": 16, "grace_s": 60}
        process = start(write_config(tmp_path, server, prompts=20, limits=limits), out)
        wait_for_requests(server, 4, process)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        process.communicate(timeout=5)
        assert process.returncode == 130

    @pytest.mark.slow
    def test_a_signal_that_a_supervisor_doubles_is_one_wish(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.3
        process = start(write_config(tmp_path, server, prompts=200), out)
        wait_for_requests(server, 20, process)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        process.communicate(timeout=20)
        assert process.returncode == 130
        assert rows(out / "log.jsonl")[-1]["event"] == "run_ended"


class TestCommandLine:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda text: text.replace("sampling:", "samplin:"), "did you mean `sampling`"),
            (lambda text: text.replace("rubric.yaml", "rubrik.yaml"), "rubric"),
            (lambda text: text.replace("model: small", "model: smal", 2), "small"),
        ],
    )
    def test_a_mistake_is_one_line_and_no_traceback(
        self,
        tmp_path: Path,
        server: LocalServer,
        out: Path,
        command: Command,
        change: Callable[..., Any],
        said: str,
    ) -> None:
        config = write_config(tmp_path, server)
        config.write_text(change(config.read_text()))
        code, _, error = command("run", config, "--out", out)
        assert code == 2
        assert said in error
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) == 1

    def test_no_key_set_is_exit_2_and_one_line_of_a_process(
        self, tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv(KEY_VARIABLE)
        done = refused(write_config(tmp_path, server), out)
        assert done.returncode == 2
        assert KEY_VARIABLE in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_stop_is_an_error_value_in_python_and_no_exception(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, budget={"usd": 0.0})
    result = run(config, out)
    assert isinstance(result.stopped_by, BudgetExhaustedError)
    assert not isinstance(result.stopped_by, InterruptedRunError)
    assert result.skips == []
