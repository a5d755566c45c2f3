"""What becomes of a call that failed: how often, how soon and beside what it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls import retry
from judgeforge.calls.limits import pace
from judgeforge.calls.retry import RetryClock, with_retries
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, MalformedReplyError, NoReplyError, StatusError
from tests.local_server import LocalServer, RequestRecord, faults
from tests.support.run_setup import model, rows, run, write_config
from tests.support.simulated_time import now, simulated


def backoff(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(retry, "_backoff", lambda state: seconds)


def status(number: int, *, retry_after_s: float | None = None) -> StatusError:
    return StatusError(f"HTTP {number}", status=number, retryable=True, retry_after_s=retry_after_s)


class Attempts:
    """Fail in turn with these errors, the last one for ever; None: a reply."""

    def __init__(self, *errors: CallError | None, takes_s: float = 0.0) -> None:
        self._errors, self._takes_s = errors, takes_s
        self.at: list[float] = []
        self.clock = RetryClock()

    async def once(self) -> str:
        self.at.append(now())
        await asyncio.sleep(self._takes_s)
        error = self._errors[min(len(self.at), len(self._errors)) - 1]
        if error is not None:
            raise error
        return "reply"

    def run(self, is_wanted: Callable[[], bool] = lambda: True, **limits: Any) -> str:
        work = with_retries(self.once, LimitsConfig(**limits), self.clock, is_wanted=is_wanted)
        return simulated(asyncio.wait_for(work, 86_400))

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.at)]


class TestHowOften:
    def test_a_call_is_given_up_after_as_many_attempts_as_configured(self) -> None:
        attempts = Attempts(status(500), status(500), NoReplyError("the last"))
        with pytest.raises(NoReplyError, match="the last"):
            attempts.run(max_attempts=3)
        assert len(attempts.at) == 3

    def test_a_reply_ends_the_attempts(self) -> None:
        attempts = Attempts(status(500), NoReplyError("broke off"), None)
        assert attempts.run(max_attempts=9) == "reply"
        assert len(attempts.at) == 3

    @pytest.mark.parametrize("number", [400, 401, 403, 404, 413, 422])
    @pytest.mark.parametrize("before", [[], [status(500)]], ids=["at first", "later"])
    def test_what_is_wrong_for_good_is_not_tried_again(
        self, number: int, before: Sequence[CallError]
    ) -> None:
        attempts = Attempts(*before, StatusError("wrong", status=number))
        with pytest.raises(StatusError, match="wrong"):
            attempts.run()
        assert len(attempts.at) == len(before) + 1

    def test_an_error_that_is_not_of_a_call_passes_through(self) -> None:
        attempts = Attempts(status(500), OSError("the disk"))  # type: ignore[arg-type]
        with pytest.raises(OSError, match="the disk"):
            attempts.run()
        assert len(attempts.at) == 2

    @pytest.mark.parametrize("first", [True, False])
    def test_nothing_is_tried_again_that_nobody_wants_any_more(self, first: bool) -> None:
        attempts = Attempts(status(500))
        with pytest.raises(StatusError):
            attempts.run(is_wanted=lambda: not first and len(attempts.at) < 2)
        assert len(attempts.at) == (1 if first else 2)

    def test_who_is_cancelled_between_two_attempts_is_cancelled(self) -> None:
        attempts = Attempts(status(503, retry_after_s=60))

        async def scenario() -> bool:
            work = with_retries(
                attempts.once, LimitsConfig(), attempts.clock, is_wanted=lambda: True
            )
            task = asyncio.create_task(work)
            await asyncio.sleep(10)
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()

        assert simulated(scenario())
        assert len(attempts.at) == 1


class TestHowSoon:
    def test_a_call_is_given_up_when_its_time_is_over(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backoff(monkeypatch, 4.0)
        attempts = Attempts(MalformedReplyError("HTML"), takes_s=1.0)
        with pytest.raises(MalformedReplyError):
            attempts.run(max_attempts=20, max_retry_s=13.0)
        assert attempts.pauses == [5.0, 5.0]  # a fourth attempt would begin after 15 s

    def test_time_at_the_gate_does_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        backoff(monkeypatch, 4.0)
        attempts = Attempts(NoReplyError("broke off"), takes_s=1.0)
        attempts.clock.waited_s = 5.0
        with pytest.raises(NoReplyError):
            attempts.run(max_attempts=20, max_retry_s=13.0)
        assert len(attempts.at) == 4

    @pytest.mark.parametrize(("longest_s", "tried"), [(120.0, 3), (9000.0, 1)])
    def test_nor_does_time_in_which_the_process_stood_still(
        self, monkeypatch: pytest.MonkeyPatch, longest_s: float, tried: int
    ) -> None:
        """An attempt that took far longer than its timeout lets it was not the server's."""
        backoff(monkeypatch, 4.0)
        attempts = Attempts(NoReplyError("timed out"), takes_s=8000.0)
        attempts.clock.longest_s = longest_s
        with pytest.raises(NoReplyError):
            attempts.run(max_retry_s=300.0)
        assert len(attempts.at) == tried

    def test_refusals_count_neither_as_attempts_nor_soon_as_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backoff(monkeypatch, 1.0)
        attempts = Attempts(*[status(429)] * 5, status(500), None)
        assert attempts.run(max_attempts=2, max_retry_s=10.0, stall_s=60.0) == "reply"
        refused = Attempts(status(429))
        with pytest.raises(StatusError):
            refused.run(max_attempts=2, max_retry_s=10.0, stall_s=60.0)
        assert 89 <= len(refused.at) <= 91

    @pytest.mark.parametrize(("asked_s", "kept_s"), [(0.5, 0.5), (30.0, 30.0), (7200.0, 120.0)])
    def test_the_pause_that_a_server_asks_for_is_kept_but_not_hours(
        self, asked_s: float, kept_s: float
    ) -> None:
        attempts = Attempts(status(503, retry_after_s=asked_s), None)
        attempts.run(max_retry_s=600.0)
        (pause,) = attempts.pauses
        assert kept_s <= pause <= kept_s + 0.1 * retry.FIRST_WAIT_S
        assert kept_s <= pace.LONGEST_RETRY_AFTER_S

    def test_without_a_word_the_pauses_grow_and_are_drawn(self) -> None:
        drawn = [Attempts(*[status(500)] * 9, None) for _ in range(40)]
        for attempts in drawn:
            attempts.run(max_attempts=20, max_retry_s=10_000.0)
        for number in range(9):
            pauses = [attempts.pauses[number] for attempts in drawn]
            most = min(retry.FIRST_WAIT_S * 2**number, retry.LONGEST_WAIT_S)
            assert max(pauses) <= most
            assert len(set(pauses)) > 30


# Against a server


def first_completion(request: RequestRecord) -> bool:
    """The same request each time it comes."""
    return b'"seed":7' in request.raw.replace(b" ", b"")


def attempts(server: LocalServer) -> list[RequestRecord]:
    return [request for request in server.requests if first_completion(request)]


def start(folder: Path, server: LocalServer, **limits: Any) -> Any:
    settings = {"concurrency": 16, "max_attempts": 4, "max_skip_share": 1.0, **limits}
    return run(write_config(folder, server, prompts=1, limits=settings), folder / "out")


def test_a_call_that_is_given_up_leaves_the_others_of_its_prompt_standing(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff(monkeypatch, 0.01)
    server.faults.add(faults.status(502), when=first_completion)
    result = start(tmp_path, server, max_attempts=3)
    assert len(attempts(server)) == 3
    failed = rows(tmp_path / "out" / "completions.jsonl")[0]
    assert failed["finish"] == "failed"
    assert "HTTP 502" in failed["flags"][0]
    assert result.manifest["totals"]["pairs"] == 1, "three completions are left"


def test_each_attempt_is_in_the_log(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff(monkeypatch, 0.01)
    server.faults.add(faults.status(503), when=first_completion, times=2)
    start(tmp_path, server)
    key = next(
        row["call"] for row in rows(tmp_path / "out" / "completions.jsonl") if row["index"] == 0
    )
    lines = [row for row in rows(tmp_path / "out" / "log.jsonl") if row.get("key") == key]
    assert [(row["attempt"], row["outcome"], row.get("status")) for row in lines] == [
        (1, "StatusError", 503),
        (2, "StatusError", 503),
        (3, "stop", None),
    ]


@pytest.mark.parametrize("header", [{"retry_after": 0.2}, {"retry_after_ms": 200}], ids=str)
def test_the_pause_that_a_header_asks_for_is_kept(
    tmp_path: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch, header: dict[str, Any]
) -> None:
    backoff(monkeypatch, 0.0)
    server.faults.add(faults.status(503, **header), when=first_completion, times=1)
    start(tmp_path, server)
    first, second = attempts(server)
    assert 0.19 <= second.at - first.at < 10


def test_equal_calls_in_flight_are_sent_once(tmp_path: Path, server: LocalServer) -> None:
    server.behaviour.latency_s = 0.05
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
    server.behaviour.latency_s = 0.02
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
