"""The log of a run: whole JSON lines, nothing secret, readable by its owner only."""

from __future__ import annotations

import json
import stat
import timeit
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.store import log as log_module
from judgeforge.store.log import CallRecord, RunLog, logged_calls
from judgeforge.text.redaction import MASK, Redactor
from tests.support.full_disk import fits_only

SECRET = "12345678"


GOOD = CallRecord("ab" * 32, "writer", "openai", 1, "stop", 0.2, 10, 5, 0.001)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_call_is_one_line_with_all_that_explains_it(file: Path) -> None:
    log = RunLog(file, Redactor())
    log.call(GOOD)
    log.call(replace(GOOD, outcome="StatusError", cost_usd=None, status=503, error="busy"))
    log.close()
    good, bad = lines(file)
    assert list(bad) == [
        "time", "event", "key", "model", "provider", "attempt", "outcome", "latency_s",
        "input_tokens", "output_tokens", "cost_usd", "status", "error",
    ]  # fmt: skip
    assert list(good) == list(bad)[:-2]
    time = datetime.fromisoformat(str(good.pop("time")))
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)
    assert good == {
        "event": "call", "key": "ab" * 32, "model": "writer", "attempt": 1, "outcome": "stop",
        "latency_s": 0.2, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.001,
        "provider": "openai",
    }  # fmt: skip
    assert (bad["status"], bad["error"], bad["cost_usd"]) == (503, "busy", None)


def test_an_event_carries_any_fields(file: Path) -> None:
    log = RunLog(file, Redactor())
    log.event("run_started", rows=3, path=Path("x"), text='line\nbreak "é" \ud800')
    log.close()
    (line,) = lines(file)
    assert (line["event"], line["rows"]) == ("run_started", 3)
    assert str(line["text"]).startswith('line\nbreak "é"')


def test_a_log_without_a_line_leaves_no_file(file: Path) -> None:
    RunLog(file, Redactor()).close()
    assert not file.exists()


def test_a_later_run_appends(file: Path) -> None:
    for name in ("first", "second"):
        log = RunLog(file, Redactor())
        log.event(name)
        log.close()
    assert [line["event"] for line in lines(file)] == ["first", "second"]


def test_half_a_line_of_a_killed_run_stays_a_line_of_its_own(file: Path) -> None:
    file.write_text('{"event": "ca')
    log = RunLog(file, Redactor())
    log.event("resumed")
    log.close()
    half, whole = file.read_text().splitlines()
    assert half == '{"event": "ca'
    assert json.loads(whole)["event"] == "resumed"


def test_a_line_that_does_not_fit_on_the_disk_is_not_glued_to_the_next(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = RunLog(file, Redactor())
    log.event("first")
    with monkeypatch.context() as full:
        fits_only(full, 9)
        with pytest.raises(StoreError, match="disk is full"):
            log.event("second")
    log.event("third")
    log.close()
    assert [line["event"] for line in lines(file)] == ["first", "third"]


def test_a_line_is_on_the_disk_at_once(file: Path) -> None:
    log = RunLog(file, Redactor())
    log.event("now")
    assert [line["event"] for line in lines(file)] == ["now"]
    log.close()


def test_only_the_owner_can_read_it(file: Path) -> None:
    file.touch(0o644)
    log = RunLog(file, Redactor())
    log.event("x")
    log.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_are_masked_and_every_line_stays_json(file: Path) -> None:
    log = RunLog(file, Redactor([SECRET]))
    log.event("x", error=f"the key {SECRET} is wrong", headers={"x-api-key": "abc"}, n=0.12345678)
    log.close()
    (line,) = lines(file)
    assert line["error"] == f"the key {MASK} is wrong"
    assert line["headers"] == {"x-api-key": MASK}
    assert line["n"] == 0.12345678


def test_a_folder_that_is_gone_is_a_store_error(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "gone" / "log.jsonl", Redactor())
    with pytest.raises(StoreError, match=r"log\.jsonl: cannot be opened"):
        log.event("x")


def test_a_line_costs_little(file: Path) -> None:
    log = RunLog(file, Redactor(["sk-abcDEF1234567890abcdefghijklmn"]))
    best = min(timeit.repeat(lambda: log.call(GOOD), number=100, repeat=30)) / 100
    log.close()
    assert best < 100e-6, "four times the target, for machines that do other things as well"


def test_calls_are_counted_across_the_ends_of_blocks(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = b'{"time":"2026-01-01T00:00:00Z","event":"call","key":"k"}\n'
    other = b'{"time":"2026-01-01T00:00:00Z","event":"said","note":"\\"event\\":\\"call\\""}\n'
    for size in range(15, 140):
        monkeypatch.setattr(log_module, "_BLOCK", size)
        file.write_bytes((line + other) * 7 + line[:-5])
        assert logged_calls(file) == 8
