"""What a signal does, in particular while the final files are written and the loop stands still."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from judgeforge.errors import BudgetExhaustedError
from judgeforge.runs import signals
from judgeforge.runs.signals import stop_signals
from judgeforge.store.folder import RunFolder
from tests.local_server import LocalServer
from tests.support.run_setup import rows, run, write_config

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach no other"
)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 (a signal sets no event)
            await asyncio.sleep(0.001)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Exit codes with which the process was left; it is not, and each signal is a new wish."""
    codes = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(signals, "SAME_WISH_S", -1.0)
    return codes


@pytest.fixture
def terminal() -> Iterator[None]:
    """As at a terminal, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def signal_while_writing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def arrange(*numbers: signal.Signals) -> None:
        write_results = RunFolder.write_results

        def interrupted(folder: RunFolder, *arguments: Any) -> None:
            for number in numbers:
                signal.raise_signal(number)
            write_results(folder, *arguments)

        monkeypatch.setattr(RunFolder, "write_results", interrupted)

    return arrange


def test_the_first_stops_and_the_second_leaves(left: list[int]) -> None:
    stops = []

    async def main() -> None:
        with stop_signals(lambda: stops.append("stop"), on_hangup=lambda: None) as asked:
            assert not asked()
            signal.raise_signal(signal.SIGTERM)
            await until(lambda: stops)
            assert (stops, left, asked()) == (["stop"], [], True)
            signal.raise_signal(signal.SIGINT)
            assert left == [130]

    asyncio.run(main())


def test_a_signal_wakes_a_loop_that_waits() -> None:
    async def main() -> None:
        stopped = asyncio.Event()
        with stop_signals(stopped.set, on_hangup=lambda: None):
            sender = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGTERM])
            sender.start()
            await asyncio.wait_for(stopped.wait(), 30)
            sender.join()

    asyncio.run(main())


def test_handlers_are_given_back() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    async def main() -> None:
        before = [signal.getsignal(number) for number in numbers]
        with stop_signals(lambda: None, on_hangup=lambda: None):
            assert signal.getsignal(signal.SIGTERM) is not before[1]
        assert [signal.getsignal(number) for number in numbers] == before

    asyncio.run(main())


def test_a_handler_that_the_loop_had_before_is_there_afterwards_and_is_called_meanwhile() -> None:
    told = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, told.append, "own")
        with stop_signals(lambda: told.append("run"), on_hangup=lambda: None):
            signal.raise_signal(signal.SIGTERM)
            await until(lambda: sorted(told) == ["own", "run"])
        signal.raise_signal(signal.SIGTERM)
        await until(lambda: sorted(told) == ["own", "own", "run"])

    asyncio.run(main())


def test_what_was_to_be_called_is_not_called_any_more_after_the_end() -> None:
    told = []

    async def main() -> None:
        with stop_signals(lambda: told.append("run"), on_hangup=lambda: None) as asked:
            signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        assert (told, asked()) == ([], True)

    asyncio.run(main())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_lets_the_final_files_be_written(
    tmp_path: Path,
    server: LocalServer,
    left: list[int],
    signal_while_writing: Callable[..., None],
    number: signal.Signals,
) -> None:
    signal_while_writing(number)
    config, out = write_config(tmp_path, server, prompts=2), tmp_path / "out"
    result = run(config, out)
    assert left == []
    assert (result.exit_code, result.manifest["status"]) == (130, "complete")
    assert "every prompt is done" in str(result.stopped_by)
    assert len(rows(out / "pairs.jsonl")) == 2
    again = run(config, out)
    assert (again.exit_code, again.did_nothing) == (0, True)


def test_a_second_one_while_they_are_written_leaves_at_once(
    tmp_path: Path, server: LocalServer, left: list[int], signal_while_writing: Callable[..., None]
) -> None:
    signal_while_writing(signal.SIGTERM, signal.SIGTERM)
    run(write_config(tmp_path, server, prompts=2), tmp_path / "out")
    assert left == [130]


def test_what_stopped_the_run_before_is_what_is_told(
    tmp_path: Path, server: LocalServer, left: list[int], signal_while_writing: Callable[..., None]
) -> None:
    signal_while_writing(signal.SIGTERM)
    result = run(write_config(tmp_path, server, prompts=2), tmp_path / "out", budget_usd=0)
    assert (result.exit_code, result.manifest["status"]) == (3, "budget")
    assert isinstance(result.stopped_by, BudgetExhaustedError)


@pytest.mark.usefixtures("terminal")
def test_a_terminal_that_closes_while_they_are_written_stops_nothing(
    tmp_path: Path,
    server: LocalServer,
    left: list[int],
    monkeypatch: pytest.MonkeyPatch,
    signal_while_writing: Callable[..., None],
) -> None:
    closed = []
    monkeypatch.setattr(signals, "leave_terminal", lambda: closed.append(True))
    signal_while_writing(signal.SIGHUP)
    result = run(write_config(tmp_path, server, prompts=2), tmp_path / "out")
    assert (result.exit_code, left, closed) == (0, [], [True])
