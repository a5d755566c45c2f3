"""A prompt that its server breaks down over is told from a server that is out of order."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import judgeforge
from judgeforge.calls import acceptance, flight, known_answers, retry
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.endpoints import open_endpoints
from judgeforge.calls.limits import breaker
from judgeforge.errors import StatusError, StoreError
from judgeforge.runs.answered_before import answered_before
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.no_log import NoLog
from tests.support.run_setup import KEY, model, rows, run, write_config

LIMITS = {"stall_s": 2.0, "max_attempts": 2, "max_skip_share": 1.0, "breaker_failures": 4}
OTHERS = 2
"""Prompts beside the one that is too much for the server, which is the last."""


@pytest.fixture(autouse=True)
def _only_a_second_look_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: 0.01)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(flight, "SHORT_PAUSE_S", 0.02)
    monkeypatch.setattr(known_answers, "TOGETHER_S", 0.01)
    monkeypatch.setattr(known_answers, "UNTOLD_PAUSE_S", 0.05)
    monkeypatch.setattr(acceptance, "QUIET_S", 0.2)


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


UNSUPPORTED = {"error": {"message": "Unsupported value: 'temperature' is not supported here."}}
OF_QUOTA = {"error": {"message": "No.", "code": "insufficient_quota"}}
REFUSALS = {
    "key": faults.status(401),
    "credit": faults.status(402),
    "quota": faults.quota_exhausted(),
    "quota that is forbidden": faults.status(403, body=OF_QUOTA),
    "setting": faults.status(400, body=UNSUPPORTED),
    "too soon": faults.status(429),
    "too soon, for two minutes": faults.status(429, retry_after=120),
}
SLOW = set(REFUSALS) - {"key", "too soon"}


def about_the_first(request: RequestRecord) -> bool:
    return b"fact number 0" in request.raw


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] if k in SLOW else []) for k in REFUSALS]
)
def test_a_prompt_that_is_refused_like_an_account_is_a_named_skip(
    tmp_path: Path, server: LocalServer, kind: str
) -> None:
    server.faults.add(REFUSALS[kind], when=about_it)
    result = start(tmp_path, server, "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    assert result.exit_code == 0
    assert "while another request was answered" in str(result.skips[0].detail)
    assert "Check the key" not in str(result.skips[0].detail)
    log = rows(tmp_path / "out" / "log.jsonl")
    again = [row for row in log if row.get("event") == "asked_again"]
    assert known_answers.REFUSED_BESIDE <= len(again) <= 6 * 4
    assert len([r for r in server.requests if about_it(r)]) <= 6 * 6, "no more than some each"


@pytest.mark.parametrize("kind", ["key", "quota", pytest.param("too soon", marks=pytest.mark.slow)])
def test_it_may_be_the_first_prompt_of_all(tmp_path: Path, server: LocalServer, kind: str) -> None:
    server.faults.add(REFUSALS[kind], when=about_the_first)
    result = start(tmp_path, server, "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p0", "call_failed")]


@pytest.mark.parametrize("kind", ["key", "credit", "quota"])
def test_where_what_was_answered_is_refused_as_well_the_run_stops_and_says_so(
    tmp_path: Path, server: LocalServer, answered: int, kind: str
) -> None:
    server.faults.add(REFUSALS[kind])
    result = start(tmp_path, server, "out")
    assert (result.exit_code, result.skips) == (4, [])
    assert "Check the key" in str(result.stopped_by) or "credit" in str(result.stopped_by)
    assert len([one for one in server.requests[answered:] if not about_it(one)]) <= 2


@pytest.mark.parametrize(
    ("concurrency", "latency_s", "rpm"),
    [
        pytest.param(1, 0.05, None, marks=pytest.mark.slow, id="one at a time"),
        pytest.param(2, 0.05, None, id="all places taken"),
        pytest.param(16, 0.0, 1200, marks=pytest.mark.slow, id="a ceiling"),
    ],
)
def test_it_is_told_also_where_nothing_may_be_sent_at_once(
    tmp_path: Path, server: LocalServer, concurrency: int, latency_s: float, rpm: int | None
) -> None:
    """The other request waits for the next place, and each that is refused may ask its own."""
    server.behaviour.latency_s = latency_s
    server.faults.add(REFUSALS["key"], when=about_it)
    config = write_config(
        tmp_path,
        server,
        prompts=6,
        models={"small": model(server, rpm=rpm)},
        sampling={"models": ["small"], "completions": 6, "max_tokens": 64},
        limits={**LIMITS, "stall_s": 20.0, "concurrency": concurrency},
    )
    result = run(config, tmp_path / "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    assert result.exit_code == 0
    if rpm is None:
        assert server.in_flight_max <= concurrency


@pytest.mark.parametrize("fault", [faults.status(429), faults.status(503), faults.reset_mid_body()])
def test_where_the_other_request_meets_what_may_pass_both_are_asked_again(
    tmp_path: Path, server: LocalServer, answered: int, fault: faults.Fault
) -> None:
    server.faults.add(fault, when=lambda one: not about_it(one), times=2)
    server.faults.add(REFUSALS["key"], when=about_it)
    result = start(tmp_path, server, "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    assert result.exit_code == 0


@pytest.mark.parametrize("status", [pytest.param(400, marks=pytest.mark.slow), 403])
@pytest.mark.parametrize(
    "fault",
    [pytest.param(faults.status(503), marks=pytest.mark.slow), faults.reset_before_reply()],
)
def test_where_the_other_request_never_passes_the_run_stops_for_what_was_refused(
    tmp_path: Path,
    server: LocalServer,
    status: int,
    fault: faults.Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Calls that are asked again must not wait for what only they could tell."""
    monkeypatch.setattr(known_answers, "UNTOLD_PAUSE_S", 0.1)
    monkeypatch.setitem(LIMITS, "stall_s", 20.0)
    assert start(tmp_path, server, "out", prompts=2).exit_code == 0
    server.faults.add(faults.status(status), when=lambda one: not _is_of_first_two(one))
    server.faults.add(fault, when=_is_of_first_two)
    result = start(tmp_path, server, "out", prompts=30)
    assert (result.exit_code, result.skips) == (4, [])
    assert f"HTTP {status}" in str(result.stopped_by)
    assert type(result.stopped_by) is StatusError, "and not since nothing came for long"


def _is_of_first_two(request: RequestRecord) -> bool:
    return b"number 0." in request.raw or b"number 1." in request.raw


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_later_start_whose_model_refuses_everything_stops_soon_by_name(
    tmp_path: Path, server: LocalServer, status: int
) -> None:
    """What an earlier start had answered is asked although all else waits to learn more."""
    assert start(tmp_path, server, "out", prompts=2).exit_code == 0
    sent = len(server.requests)
    server.faults.add(faults.status(status))
    result = start(tmp_path, server, "out", prompts=30)
    assert (result.exit_code, result.skips) == (4, [])
    assert f"HTTP {status}" in str(result.stopped_by)
    assert type(result.stopped_by) is StatusError, "and not since nothing came for long"
    later = server.requests[sent:]
    assert len(later) < 100
    known = list(filter(_is_of_first_two, later))
    assert 1 <= len(known) <= 2, "one request more than that, and not one for each"


def test_what_is_left_for_small_requests_only_stops_the_run(
    tmp_path: Path, server: LocalServer
) -> None:
    """A small request that is answered says nothing of money for a large one."""
    (tmp_path / "long.jsonl").write_text(
        json.dumps({"id": "a", "prompt": "Say yes."})
        + "\n"
        + json.dumps({"id": "b", "prompt": "Tell it all. " * 9000})
        + "\n"
    )
    server.faults.add(faults.status(402), when=lambda request: b"Tell it all" in request.raw)
    config = write_config(
        tmp_path,
        server,
        prompts=1,
        sampling={"models": ["small"], "completions": 2, "max_tokens": 64},
        limits=LIMITS,
    )
    config.write_text(config.read_text().replace("prompts.jsonl", "long.jsonl"))
    result = run(config, tmp_path / "out")
    assert (result.exit_code, result.skips) == (4, [])


def test_a_start_whose_first_requests_all_came_too_soon_goes_on_at_full_speed(
    tmp_path: Path, server: LocalServer
) -> None:
    """Nothing was accepted, so nothing is known of the rate; it used to be taken for none."""
    server.faults.add(faults.status(429), times=6)
    result = start(tmp_path, server, "out")
    assert (result.exit_code, len(result.skips)) == (0, 0)
    assert len([r for r in server.requests if r.status == 429]) == 6


@pytest.mark.slow
def test_a_model_with_several_servers_is_told_from_its_prompt_as_well(
    tmp_path: Path, server: LocalServer
) -> None:
    with LocalServer() as other:
        models = {"small": model(server, base_url=[server.openai_url, other.openai_url])}
        for one in (server, other):
            one.faults.add(faults.reset_before_reply(), when=about_it)
        sampling = {"models": ["small"], "completions": 6, "max_tokens": 64}
        config = write_config(
            tmp_path, server, prompts=3, models=models, sampling=sampling, limits=LIMITS
        )
        result = run(config, tmp_path / "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    assert result.exit_code == 0


@pytest.mark.parametrize("kind", ["key", "forbidden"])
def test_what_earlier_starts_had_answered_counts_where_only_such_a_prompt_is_left(
    tmp_path: Path, server: LocalServer, kind: str
) -> None:
    """All that the folder has finished is not asked again, so this start hears nothing else."""
    assert start(tmp_path, server, "out", prompts=OTHERS).exit_code == 0
    sent = len(server.requests)
    server.faults.add(faults.status(401 if kind == "key" else 403), when=about_it)
    result = start(tmp_path, server, "out")
    assert [(one.prompt_id, one.reason) for one in result.skips] == [("p2", "call_failed")]
    assert result.exit_code == 0
    again = [one for one in server.requests[sent:] if not about_it(one)]
    assert 1 <= len(again) <= known_answers.REFUSED_BESIDE * 6


def test_an_earlier_start_at_another_place_says_nothing(
    tmp_path: Path, server: LocalServer, answered: int
) -> None:
    folder, log = RunFolder(tmp_path / "others"), cast("Any", NoLog())
    config = judgeforge.load_config(tmp_path / "config.yaml")
    with closing(ReplyCache(config.cache_dir, on_damage=lambda *_: None)) as cache:
        moved = config.models["small"].model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
        for model_config, expected in ((config.models["small"], True), (moved, False)):
            changed = config.model_copy(update={"models": {"small": model_config}})
            endpoints = open_endpoints(changed, {"small": KEY}, {"small": None}, log)
            calls = list(answered_before(folder.log, cache, endpoints))
            assert bool(calls) is expected
            assert {call.model_name for call in calls} <= {"small"}


def test_a_request_whose_log_line_cannot_be_written_gives_its_place_back(
    tmp_path: Path, server: LocalServer, answered: int
) -> None:
    class OfFullDisk(NoLog):
        def event(self, name: str, **fields: object) -> None:
            raise StoreError("log.jsonl: no space left on device")

    folder, log = RunFolder(tmp_path / "others"), cast("Any", OfFullDisk())
    config = judgeforge.load_config(tmp_path / "config.yaml")
    endpoints = open_endpoints(config, {"small": KEY}, {"small": None}, cast("Any", NoLog()))
    with closing(ReplyCache(config.cache_dir, on_damage=lambda *_: None)) as cache:
        call = next(iter(answered_before(folder.log, cache, endpoints)))
    budget = cast("Any", SimpleNamespace(has_room=lambda *_: True))
    known = known_answers.KnownAnswers(cast("Any", None), budget, log, cast("Any", None))
    known.note(call)
    refused = cast("Any", SimpleNamespace(is_doubted=True, is_refused=True))
    endpoint = endpoints["small"]
    with pytest.raises(StoreError):
        asyncio.run(known.look_at(refused, endpoint, call, StatusError("too soon", status=429)))
    assert [gate.in_flight for gate in endpoint.gate.gates] == [0]
