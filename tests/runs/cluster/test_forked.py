"""Workers that are copies of the program: whole where they are made, and gone when they are not
needed."""

from __future__ import annotations

import subprocess
import sys
import threading

from judgeforge.runs.cluster.forked import ForkedWorkers

_TWO = """
from judgeforge.runs.cluster.forked import ForkedWorkers
forked = ForkedWorkers()
forked.fork(2)
first, second = forked.take(), forked.take()
print(first.connected.fileno() > 0, second.connected.fileno() > 0, forked.take())
second.end()
first.end()
print(first.returncode, second.returncode)
forked.fork(2)
forked.end()
print(forked.take())
"""


def test_each_ends_when_its_own_channel_closes_whichever_was_made_first() -> None:
    """Whoever held another's end would keep it from ever seeing that the coordinator is gone."""
    ended = subprocess.run(
        [sys.executable, "-c", _TWO], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["True True None", "1 1", "None"]


def test_a_process_with_threads_is_not_copied() -> None:
    forked, over = ForkedWorkers(), threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    try:
        forked.fork(2)
        assert forked.take() is None
    finally:
        over.set()
        other.join()
