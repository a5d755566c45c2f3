"""A model that is out of order: it is waited for, replaced or left out, and never for ever."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import CircuitOpenError, ConfigError, StalledError
from judgeforge.runs import progress as trouble
from judgeforge.runs.progress import Progress
from tests.local_server import LocalServer, faults
from tests.local_server.record import RequestRecord
from tests.support.run_process import start
from tests.support.run_setup import KEY, PRICE, logged, model, rows, run, write_config
from tests.support.waiting import wait_for_requests, wait_until

DOWN = faults.status(500)
STALL_S = 60.0


def panel(server: LocalServer, **fields: Any) -> dict[str, Any]:
    """A writer and two judges at one server; ``fields`` change the first judge's model."""
    return {
        "models": {
            "writer": model(server, model="writer"),
            "first": model(server, model="first", **fields),
            "second": model(server, model="second"),
        },
        "sampling": {"models": ["writer"], "completions": 3, "seed": 7, "max_tokens": 64},
    }


def judging(**fields: Any) -> dict[str, Any]:
    return {"judges": [{"model": "first"}, {"model": "second"}], **fields}


def of(name: str) -> Callable[[RequestRecord], bool]:
    return lambda request: request.model == name


def limits(**fields: Any) -> dict[str, Any]:
    return {"concurrency": 16, "max_attempts": 8, "breaker_failures": 3, "grace_s": 2, **fields}


class TestCircuitBreaker:
    @pytest.mark.slow
    def test_an_outage_is_waited_for_with_few_probes_and_loses_no_prompt(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("small"), times=5)
        config = write_config(tmp_path, server, prompts=4, limits=limits())
        result = run(config, out)
        assert result.manifest["totals"]["pairs"] == 4
        assert len(logged(out, "circuit_opened")) >= 1
        assert len(logged(out, "circuit_closed")) >= 1

    @pytest.mark.slow
    def test_while_it_is_open_nothing_is_sent_but_probes(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("first"))
        config = write_config(
            tmp_path,
            server,
            prompts=6,
            **panel(server),
            judging=judging(),
            limits=limits(stall_s=2.0),
        )
        result = run(config, out)
        assert (result.exit_code, result.manifest["status"]) == (4, "provider")
        assert isinstance(result.stopped_by, CircuitOpenError | StalledError)
        assert "circuit" in str(result.stopped_by)
        assert "first" in str(result.stopped_by)
        # 18 at once before it opened, then probes after 0.5, 1 and 2 s.
        assert len(server.calls(model="first")) <= 18 + 4

    def test_judges_go_on_without_the_one_that_is_missing(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("first"))
        config = write_config(
            tmp_path,
            server,
            prompts=6,
            **panel(server),
            judging=judging(on_judge_failure="skip_judge"),
            limits=limits(),
        )
        result = run(config, out)
        assert result.exit_code == 0
        pairs = rows(out / "pairs.jsonl")
        assert len(pairs) == 6
        for pair in pairs:
            assert pair["provenance"]["judges"] == ["second"]
            assert pair["provenance"]["missing_judges"] == ["first"]

    @pytest.mark.slow
    def test_a_judge_that_is_back_judges_again(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.1
        server.faults.add(DOWN, when=of("first"), times=4)
        parts = panel(server) | {"judging": judging(on_judge_failure="skip_judge")}
        config = write_config(
            tmp_path, server, prompts=40, **parts, limits=limits(concurrency=8, max_attempts=2)
        )
        assert run(config, out).exit_code == 0
        missing = [tuple(p["provenance"]["missing_judges"]) for p in rows(out / "pairs.jsonl")]
        assert missing[0] == ("first",)
        assert missing[-1] == ()

    @pytest.mark.slow
    def test_where_all_judges_are_out_of_order_they_are_waited_for(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        judges = {"first", "second"}
        server.faults.add(DOWN, when=lambda request: request.model in judges, times=14)
        config = write_config(
            tmp_path,
            server,
            prompts=4,
            **panel(server),
            judging=judging(on_judge_failure="skip_judge"),
            limits=limits(),
        )
        assert run(config, out).manifest["totals"]["pairs"] == 4

    def test_or_the_run_stops_at_once(self, tmp_path: Path, server: LocalServer, out: Path) -> None:
        server.faults.add(DOWN, when=of("first"))
        parts = panel(server) | {"judging": judging(on_judge_failure="stop"), "limits": limits()}
        config = write_config(tmp_path, server, prompts=6, **parts)
        result = run(config, out)
        assert (result.exit_code, result.manifest["status"]) == (4, "provider")
        server.faults.clear()
        again = run(config, out)
        assert again.exit_code == 0
        assert again.manifest["totals"]["pairs"] == 6

    def test_pairs_of_a_whole_panel_name_nobody_missing(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        run(write_config(tmp_path, server, prompts=1), out)
        assert rows(out / "pairs.jsonl")[0]["provenance"]["missing_judges"] == []


class TestFallback:
    def test_it_answers_during_an_outage_and_is_named(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("first"))
        config = write_config(
            tmp_path,
            server,
            prompts=4,
            **panel(server, fallback="second"),
            judging={"judges": [{"model": "first"}]},
            limits=limits(),
        )
        result = run(config, out)
        assert result.manifest["totals"]["pairs"] == 4
        judgments = rows(out / "judgments.jsonl")
        assert {row["judge"] for row in judgments} == {"first"}
        assert {row["note"] for row in judgments} == {"answered by fallback second"}
        assert logged(out, "fell_back")[0]["to"] == "second"

    def test_completions_name_the_model_that_wrote_them(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("writer"))
        parts = panel(server)
        parts["models"]["writer"]["fallback"] = "second"
        config = write_config(
            tmp_path,
            server,
            prompts=3,
            **parts,
            judging={"judges": [{"model": "first"}]},
            limits=limits(),
        )
        run(config, out)
        completions = rows(out / "completions.jsonl")
        assert {row["model"] for row in completions} == {"second"}
        assert len({row["text"] for row in completions}) == len(completions)
        paid = len(server.requests)
        run(config, tmp_path / "again")
        assert len(server.requests) == paid  # what the fallback wrote is used again

    @pytest.mark.slow
    def test_where_both_are_out_of_order_the_model_is_waited_for(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(DOWN, when=of("second"))
        server.faults.add(DOWN, when=of("first"), times=6)
        config = write_config(
            tmp_path,
            server,
            prompts=2,
            **panel(server, fallback="second"),
            judging={"judges": [{"model": "first"}]},
            limits=limits(),
        )
        assert run(config, out).manifest["totals"]["pairs"] == 2

    @pytest.mark.parametrize(
        ("fallback", "said"), [("frist", "did you mean `first`"), ("first", "its own fallback")]
    )
    def test_a_name_that_cannot_be_is_a_mistake(
        self, tmp_path: Path, server: LocalServer, out: Path, fallback: str, said: str
    ) -> None:
        config = write_config(
            tmp_path, server, prompts=1, **panel(server, fallback=fallback), judging=judging()
        )
        with pytest.raises(ConfigError, match=said):
            run(config, out)


class TestHedging:
    @pytest.mark.slow
    def test_a_late_reply_is_asked_for_twice_and_both_are_paid(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.slow(4.0), nth=3)
        own = model(server, hedge_after=1.2)
        config = write_config(
            tmp_path, server, prompts=1, models={"small": own}, limits=limits(grace_s=8)
        )
        result = run(config, out)
        assert result.manifest["totals"]["pairs"] == 1
        assert len(server.requests) == 9
        assert len(logged(out, "hedged")) == 1
        totals = result.manifest["totals"]
        assert totals["calls"]["paid"] == 9
        assert totals["cost_usd"] >= server.billed_usd({"small": PRICE})

    @pytest.mark.slow
    def test_by_the_latency_of_the_others(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.02
        server.faults.add(faults.slow(1.5), nth=70)
        own = model(server, hedge_after="p95")
        config = write_config(tmp_path, server, prompts=12, models={"small": own})
        run(config, out)
        assert len(logged(out, "hedged")) >= 1

    @pytest.mark.slow
    def test_it_never_goes_over_the_budget(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.slow(0.4), every=3)
        own = model(server, hedge_after=0.1)
        config = write_config(
            tmp_path, server, prompts=20, models={"small": own}, budget={"usd": 0.02}
        )
        result = run(config, out)
        assert result.exit_code == 3
        assert 0 < server.billed_usd({"small": PRICE}) <= 0.02

    @pytest.mark.parametrize("wrong", [0, -1, "p99", True])
    def test_what_it_takes_is_said(
        self, tmp_path: Path, server: LocalServer, out: Path, wrong: bool | int | str
    ) -> None:
        own = model(server, hedge_after=wrong)
        config = write_config(tmp_path, server, prompts=1, models={"small": own})
        with pytest.raises(ConfigError, match="hedge_after"):
            run(config, out)


class TestNoRunHangs:
    @pytest.mark.slow
    @pytest.mark.parametrize("is_down", [True, False])
    def test_a_process_that_stood_still_for_longer_than_stall_s_goes_on(
        self, tmp_path: Path, server: LocalServer, out: Path, is_down: bool
    ) -> None:
        """A machine that was frozen, also while a model was out of order."""
        server.behaviour.latency_s = 0.1
        if is_down:
            server.faults.add(DOWN, when=lambda _: len(server.requests) > 20)
        config = write_config(tmp_path, server, prompts=10, limits=limits(stall_s=2.0))
        process = start(config, out)
        wait_for_requests(server, 20, process)
        log = out / "log.jsonl"
        wait_until(lambda: not is_down or b"circuit_opened" in log.read_bytes(), process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(5.0)
        server.faults.clear()
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0, told

    @pytest.mark.slow
    def test_without_a_reply_for_stall_s_it_says_what_it_waits_for(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.stall_headers(STALL_S))
        config = write_config(tmp_path, server, prompts=2, limits=limits(stall_s=1.0, grace_s=0.2))
        begun = time.monotonic()
        result = run(config, out)
        assert time.monotonic() - begun < STALL_S
        assert (result.exit_code, result.manifest["status"]) == (4, "provider")
        assert isinstance(result.stopped_by, StalledError)
        said = str(result.stopped_by)
        assert "stall_s = 1 s" in said
        assert "4 calls of model `small`: 4 in flight without a reply" in said
        server.faults.clear()
        assert run(config, out).exit_code == 0

    def test_what_it_waits_for_and_the_last_failure_are_told_meanwhile(
        self, tmp_path: Path, server: LocalServer, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trouble, "QUIET_OUT_OF_ORDER_S", 0.2)
        message = f"the key {KEY}\nis\x1b[1m not ours"
        server.faults.add(faults.status(500, body={"error": {"message": message}}))
        config = write_config(tmp_path, server, prompts=2, limits=limits(stall_s=30.0))
        seen = []

        def stop_once_it_is_told(progress: Progress) -> None:
            if progress.out_of_order and progress.trouble is not None and not seen:
                seen.append(progress)
                signal.raise_signal(signal.SIGINT)

        result = run(config, out, on_progress=stop_once_it_is_told)
        assert result.exit_code == 130
        (told,) = seen
        last = "HTTP 500 from small: the key [redacted] is\ufffd[1m"
        assert last in told.out_of_order["small"]
        assert told.trouble.startswith("nothing has come back for ")
        for said in (told.trouble, result.manifest["message"]):
            assert "4 calls of model `small`: " in said
            assert f"its circuit is open (last: {last}" in said

    @pytest.mark.slow
    def test_refusals_without_an_end_stop_the_run_and_skip_no_prompt(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.faults.add(faults.status(429, retry_after=10**6))
        config = write_config(
            tmp_path, server, prompts=2, limits=limits(stall_s=1.5, max_attempts=2)
        )
        result = run(config, out)
        assert (result.exit_code, result.skips) == (4, [])
        assert "takes nothing more for another" in str(result.stopped_by)
        assert "last failure: HTTP 429" in str(result.stopped_by)

    @pytest.mark.slow
    def test_slow_replies_that_come_are_no_stall(
        self, tmp_path: Path, server: LocalServer, out: Path
    ) -> None:
        server.behaviour.latency_s = 0.4
        own = model(server, concurrency=1)
        config = write_config(
            tmp_path, server, prompts=1, models={"small": own}, limits=limits(stall_s=1.5)
        )
        assert run(config, out).exit_code == 0
