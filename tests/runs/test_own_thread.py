"""`judgeforge.run` inside a running event loop, as in a notebook."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from judgeforge.results.status import read_status
from judgeforge.runs.own_thread import run_in_own_thread
from tests.local_server import LocalServer, faults
from tests.support.run_setup import rows, run, write_config
from tests.support.waiting import wait_for_requests

Kernel = Callable[[Path, Path], "subprocess.Popen[str]"]

KERNEL = """
import asyncio, signal, sys
import judgeforge

async def cell():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a notebook's kernel does
    try:
        judgeforge.run(judgeforge.load_config(sys.argv[1]), sys.argv[2])
    except KeyboardInterrupt:
        print("interrupted")

asyncio.run(cell())
"""


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """Starts a process that runs a cell with judgeforge in it."""
    started = []

    def start(config: Path, out: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", KERNEL, str(config), str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def interrupt(*, when: threading.Event) -> threading.Thread:
    """Ctrl-C once ``when`` is set."""

    def send() -> None:
        assert when.wait(30)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_a_cell_gets_what_the_coroutine_returns_and_raises() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("of the coroutine")

    async def cell() -> None:
        assert run_in_own_thread(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ValueError, match="of the coroutine"):
            run_in_own_thread(fails())

    asyncio.run(cell())


def test_ctrl_c_stops_the_run_in_order_and_is_raised_then(
    tmp_path: Path, server: LocalServer
) -> None:
    server.behaviour.latency_s = 0.1
    config = write_config(tmp_path, server, prompts=200, limits={"concurrency": 8})
    begun = threading.Event()

    async def cell() -> None:
        run(config, tmp_path / "out", on_progress=lambda _: begun.set())

    handler = signal.getsignal(signal.SIGINT)
    sender = interrupt(when=begun)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(cell())
    sender.join()
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(server.requests) < 800
    assert read_status(tmp_path / "out").status == "interrupted"
    assert (tmp_path / "out" / "pairs.jsonl").exists()


def test_a_second_ctrl_c_does_not_wait() -> None:
    begun, cancelled, go_on, ended = (threading.Event() for _ in range(4))

    async def deaf() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.to_thread(go_on.wait, 30)
            ended.set()

    async def cell() -> None:
        run_in_own_thread(deaf())

    senders = [interrupt(when=begun), interrupt(when=cancelled)]
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(cell())
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(30)
    for sender in senders:
        sender.join()


@pytest.mark.slow
def test_in_a_kernel_what_is_in_flight_is_stored_before_the_interrupt_is_raised(
    tmp_path: Path, server: LocalServer, kernel: Kernel
) -> None:
    server.behaviour.latency_s = 0.5
    config = write_config(tmp_path, server, prompts=200, limits={"concurrency": 8})
    process = kernel(config, tmp_path / "out")
    wait_for_requests(server, 12, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert output == "interrupted\n", errors
    assert read_status(tmp_path / "out").status == "interrupted"
    log = rows(tmp_path / "out" / "log.jsonl")
    assert len([row for row in log if row.get("outcome") == "stop"]) == len(server.requests)


@pytest.mark.slow
def test_in_a_kernel_a_second_ctrl_c_leaves_at_once_and_so_does_the_process(
    tmp_path: Path, server: LocalServer, kernel: Kernel
) -> None:
    server.faults.add(faults.stall_headers(60))
    limits = {"concurrency": 8, "grace_s": 60}
    config = write_config(tmp_path, server, prompts=20, limits=limits)
    process = kernel(config, tmp_path / "out")
    wait_for_requests(server, 8, process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    output, errors = process.communicate(timeout=10)
    assert output == "interrupted\n", errors
    assert process.returncode == 0
    assert errors == ""
