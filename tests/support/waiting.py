"""Waiting for what a test has set going, as long as a busy machine may need and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from subprocess import Popen

from tests.local_server import LocalServer

LONGEST_S, POLL_S = 60.0, 0.01


def wait_until(holds: Callable[[], bool], process: Popen[str] | None = None) -> None:
    """Fails the test where it never comes true, or where the process ends before."""
    end = time.monotonic() + LONGEST_S
    while not holds():
        assert process is None or process.poll() is None, "the process has ended"
        assert time.monotonic() < end, "it never comes true"
        time.sleep(POLL_S)


def wait_for_requests(server: LocalServer, number: int, process: Popen[str] | None = None) -> None:
    wait_until(lambda: len(server.requests) >= number, process)
