"""What signals do to a run: Ctrl-C and SIGTERM end it in order, a closed terminal does not.

Runs a coroutine where an event loop runs already, as in a notebook.

Python's cyclic garbage collector, made to come by less often while a run goes on.

No run hangs: where no call brings a reply for too long, it says what it waits for and stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from judgeforge.errors import InterruptedRunError, StalledError

_ENDING = (signal.SIGINT, signal.SIGTERM)
SAME_WISH_S = 0.25
"""``timeout`` and some supervisors send each signal twice, to the process and to its group."""


@contextlib.contextmanager
def stop_signals(
    stop: Callable[[], None], *, on_hangup: Callable[[], None]
) -> Iterator[Callable[[], bool]]:
    """``stop`` is called at a SIGINT or SIGTERM; a second one leaves the process at once.

    Gives what tells whether one has come: while the loop stands still (files are written at the
    end) ``stop`` is not called, but a second one leaves all the same. SIGHUP (the terminal was
    closed) calls ``on_hangup`` and the run goes on. Outside the main thread, where signals cannot
    be caught, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked_at: float | None = None

    def end() -> None:
        nonlocal asked_at
        if asked_at is None:
            asked_at = time.monotonic()
        elif time.monotonic() - asked_at > SAME_WISH_S:
            os._exit(InterruptedRunError.exit_code)

    in_loop = dict.fromkeys(_ENDING, stop)
    at_once = dict.fromkeys(_ENDING, end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        in_loop[signal.SIGHUP] = on_hangup
        at_once[signal.SIGHUP] = leave_terminal
    before = {number: signal.getsignal(number) for number in in_loop}
    loop = asyncio.get_running_loop()
    for number, action in in_loop.items():
        loop.add_signal_handler(number, action)
        # In place of the handler of the loop, which does nothing: the loop itself is woken by the
        # number that Python writes to its descriptor, whatever the handler.
        signal.signal(number, _handler(at_once[number]))
        signal.siginterrupt(number, False)
    try:
        yield lambda: asked_at is not None
    finally:
        for number in in_loop:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


def _handler(act: Callable[[], None]) -> Callable[[int, FrameType | None], None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        act()

    return handle


def leave_terminal() -> None:
    """Writing to a terminal that is gone fails, so what is said from now on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if os.isatty(stream.fileno()) or not _usable(stream.fileno()):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _usable(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


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

    # Daemon: the process does not wait at its end either for what a second Ctrl-C left behind.
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
    """Not ``join``: interrupted once, Python 3.11 takes the thread for ended. Nor ``Event.wait``:
    a signal that comes just before a thread begins to wait for a lock is not seen until it has it.
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


_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES = 20_000, 20, 20


class _Rare:
    """Runs may overlap (threads of a notebook): the last one to end brings back what was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._before = gc.get_threshold()

    def begin(self) -> None:
        with self._lock:
            if self._runs == 0:
                self._before = gc.get_threshold()
                gc.set_threshold(_YOUNG_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES)
            self._runs += 1

    def end(self) -> None:
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                gc.set_threshold(*self._before)


_rare = _Rare()


@contextmanager
def rare_garbage_collection() -> Iterator[None]:
    """Hundreds of calls in flight keep tens of thousands of young objects alive that are no
    garbage. With Python's own thresholds (700, 10, 10) a tenth of a run's processor time goes into
    looking at them again and again.
    """
    _rare.begin()
    try:
        yield
    finally:
        _rare.end()


_LOOKS = 20
"""A stall is noticed within this part of its length."""
_LONGEST_LOOK_S = 5.0


async def watch_for_stall(
    stall_s: float,
    *,
    progress: Callable[[], object],
    what_it_waits_for: Callable[[], str],
    stop: Callable[[StalledError], None],
) -> None:
    """Look at ``progress`` (any value that changes when the run gets on) until it stays the same.

    Time in which this process did not run itself (stopped, a sleeping machine) does not count.
    """
    look_s = min(_LONGEST_LOOK_S, stall_s / _LOOKS)
    seen, still_s, before = progress(), 0.0, time.monotonic()
    while still_s <= stall_s:
        await asyncio.sleep(look_s)
        now = time.monotonic()
        still_s += min(now - before, 2 * look_s)
        before = now
        if (current := progress()) != seen:
            seen, still_s = current, 0.0
    stop(
        StalledError(
            f"nothing has come back for limits.stall_s = {stall_s:g} s: {what_it_waits_for()}. "
            "Start the same command again: nothing that was paid is lost."
        )
    )
