"""What becomes of a call that failed: how often, how soon and beside what it is tried again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls import retry
from judgeforge.calls.limits import pace
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import model, rows, run, write_config


def first_completion(request: RequestRecord) -> bool:
    """The same request each time it comes."""
    return b'"seed":7' in request.raw.replace(b" ", b"")


def attempts(server: LocalServer) -> list[RequestRecord]:
    return [request for request in server.requests if first_completion(request)]


def start(folder: Path, server: LocalServer, **limits: Any) -> Any:
    settings = {"concurrency": 16, "max_attempts": 4, "max_skip_share": 1.0, **limits}
    return run(write_config(folder, server, prompts=1, limits=settings), folder / "out")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)


@pytest.mark.usefixtures("soon")
def test_a_call_is_given_up_after_as_many_attempts_as_configured(
    tmp_path: Path, server: LocalServer
) -> None:
    server.faults.add(faults.status(500), when=first_completion)
    result = start(tmp_path, server, max_attempts=3)
    assert len(attempts(server)) == 3
    failed = rows(tmp_path / "out" / "completions.jsonl")[0]
    assert failed["finish"] == "failed"
    assert "HTTP 500" in failed["flags"][0]
    assert result.manifest["totals"]["pairs"] == 1, "three completions are left"


@pytest.mark.usefixtures("soon")
def test_each_attempt_is_in_the_log(tmp_path: Path, server: LocalServer) -> None:
    server.faults.add(faults.status(500), when=first_completion, times=2)
    start(tmp_path, server)
    key = next(
        row["call"] for row in rows(tmp_path / "out" / "completions.jsonl") if row["index"] == 0
    )
    lines = [row for row in rows(tmp_path / "out" / "log.jsonl") if row.get("key") == key]
    assert [(row["attempt"], row["outcome"], row.get("status")) for row in lines] == [
        (1, "StatusError", 500),
        (2, "StatusError", 500),
        (3, "stop", None),
    ]


def test_a_call_is_given_up_when_its_time_is_over(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.4)
    server.faults.add(faults.status(500), when=first_completion)
    start(tmp_path, server, max_attempts=20, max_retry_s=1.0)
    assert 2 <= len(attempts(server)) <= 3


@pytest.mark.parametrize("header", ["retry_after", "retry_after_ms"])
def test_the_pause_that_a_server_asks_for_is_kept(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.0)
    pause = 1 if header == "retry_after" else 1000
    server.faults.add(faults.status(503, **{header: pause}), when=first_completion, times=1)
    start(tmp_path, server)
    first, second = attempts(server)
    assert 0.99 <= second.at - first.at < 10


@pytest.mark.usefixtures("soon")
def test_a_pause_of_hours_is_cut(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "LONGEST_RETRY_AFTER_S", 0.3)
    server.faults.add(faults.status(503, retry_after=7200), when=first_completion, times=1)
    begun = time.monotonic()
    assert start(tmp_path, server).manifest["totals"]["pairs"] == 1
    assert time.monotonic() - begun < 30


def test_a_call_that_waits_for_its_next_attempt_holds_no_slot(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 1.5)
    server.faults.add(faults.status(500), when=first_completion, times=1)
    own = model(server, concurrency=1)
    config = write_config(tmp_path, server, prompts=1, models={"small": own})
    result = run(config, tmp_path / "out")
    first, second = attempts(server)
    between = [r for r in server.requests if first.at < r.at < second.at]
    assert len(between) >= 3, "the other completions were not kept waiting"
    assert result.manifest["totals"]["calls"]["paid"] == 8
    assert server.in_flight_max == 1


def test_equal_calls_in_flight_are_sent_once(tmp_path: Path, server: LocalServer) -> None:
    server.behaviour.latency_s = 0.2
    row = '{"prompt": "Tell me a fact."}\n'
    (tmp_path / "prompts.jsonl").write_text(row * 5)
    source = {"path": "prompts.jsonl", "duplicate_prompts": "keep"}
    result = run(write_config(tmp_path, server, prompts=source), tmp_path / "out")
    assert result.manifest["totals"]["pairs"] == 5
    assert len(server.requests) == 8
    assert result.manifest["totals"]["calls"]["paid"] == 8


def test_the_limit_of_the_run_counts_calls_over_all_models(
    tmp_path: Path, server: LocalServer
) -> None:
    server.behaviour.latency_s = 0.05
    models = {name: model(server, model=name) for name in ("one", "two")}
    config = write_config(
        tmp_path,
        server,
        prompts=4,
        models=models,
        sampling={"models": ["one", "two"], "completions": 4, "max_tokens": 64, "seed": 7},
        judging={"judges": [{"model": "one"}, {"model": "two"}]},
        limits={"concurrency": 3},
    )
    assert run(config, tmp_path / "out").exit_code == 0
    assert server.in_flight_max == 3
