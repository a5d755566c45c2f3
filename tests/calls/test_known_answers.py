"""A prompt that its server breaks down over is told from a server that is out of order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls import known_answers, retry
from judgeforge.calls.limits import breaker
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import rows, run, write_config

LIMITS = {"stall_s": 2.0, "max_attempts": 2, "max_skip_share": 1.0, "breaker_failures": 4}
OTHERS = 2
"""Prompts beside the one that is too much for the server, which is the last."""


@pytest.fixture(autouse=True)
def _only_a_second_look_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 60.0)


def about_it(request: RequestRecord) -> bool:
    return b"fact number 2" in request.raw


def start(folder: Path, server: LocalServer, out: str, *, prompts: int = OTHERS + 1) -> Any:
    sampling = {"models": ["small"], "completions": 6, "max_tokens": 64}
    (folder / "prompts.jsonl").unlink(missing_ok=True)
    config = write_config(folder, server, prompts=prompts, sampling=sampling, limits=LIMITS)
    return run(config, folder / out)


@pytest.fixture
def answered(tmp_path: Path, server: LocalServer) -> int:
    """All requests about the other prompts, which are in the cache from then on."""
    assert start(tmp_path, server, "others", prompts=OTHERS).exit_code == 0
    return len(server.requests)


def test_the_run_ends_and_the_prompt_is_a_named_skip(
    tmp_path: Path, server: LocalServer, answered: int
) -> None:
    server.faults.add(faults.reset_before_reply(), when=about_it)
    result = start(tmp_path, server, "out")
    assert result.exit_code == 0
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    again = [one for one in server.requests[answered:] if not about_it(one)]
    log = rows(tmp_path / "out" / "log.jsonl")
    assert len(again) == len([row for row in log if row.get("event") == "asked_again"]) == 1
    sent = [row for row in log if row.get("attempt")]
    assert len(sent) == len(server.requests[answered:])
    assert len(sent) == result.manifest["totals"]["calls"]["paid"], "it is in the books"
    before, after = (rows(tmp_path / name / "pairs.jsonl") for name in ("others", "out"))
    assert [one["chosen"] for one in before] == [one["chosen"] for one in after]


def test_a_server_that_is_down_for_all_stops_the_run_as_ever(
    tmp_path: Path, server: LocalServer, answered: int
) -> None:
    server.faults.add(faults.reset_before_reply())
    result = start(tmp_path, server, "out")
    assert result.exit_code == 4
    assert not result.skips
    assert len([one for one in server.requests[answered:] if not about_it(one)]) == 1
    server.faults.clear()
    assert start(tmp_path, server, "out").exit_code == 0


def test_without_a_second_look_the_run_would_stop_there(
    tmp_path: Path, server: LocalServer, answered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_answers, "MOST_IN_A_ROW", 0)
    server.faults.add(faults.reset_before_reply(), when=about_it)
    assert start(tmp_path, server, "out").exit_code == 4
    assert all(map(about_it, server.requests[answered:]))
