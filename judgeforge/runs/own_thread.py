"""Runs a coroutine where an event loop is already running, as in a notebook."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_S = 0.02


def run_in_own_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    """What ``coroutine`` returns, run on a loop and in a thread of its own.

    Ctrl-C cancels it and waits until it has ended in order; KeyboardInterrupt is raised then. A
    second Ctrl-C does not wait.
    """
    loop = asyncio.new_event_loop()
    task = loop.create_task(coroutine)
    ended = threading.Event()

    async def until_the_end() -> None:
        await asyncio.wait([task])

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(until_the_end())
        finally:
            ended.set()

    # Daemon: at its end the process does not wait for what a second Ctrl-C left behind.
    thread = threading.Thread(target=work, name="judgeforge-run", daemon=True)
    with _interrupts_that_raise():
        try:
            thread.start()
            _wait(ended)
        except KeyboardInterrupt:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the run has just ended
                loop.call_soon_threadsafe(task.cancel)
            if thread.ident is not None:
                _wait(ended)
            raise
    return task.result()


def _wait(ended: threading.Event) -> None:
    """Not ``join``: once interrupted, Python 3.11 takes the thread for ended. Not ``Event.wait``
    either: a signal just before a thread begins to wait for a lock is seen only once it has it.
    """
    while not ended.is_set():
        time.sleep(_LOOK_S)


@contextlib.contextmanager
def _interrupts_that_raise() -> Iterator[None]:
    """The outer loop's own handler would only cancel a task of a loop that stands still here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
