"""What signals do to a run: Ctrl-C and SIGTERM end it in order, a closed terminal does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from judgeforge.errors import InterruptedRunError

_ENDING = (signal.SIGINT, signal.SIGTERM)
SAME_WISH_S = 0.25
"""``timeout`` and some supervisors send each signal twice, to the process and to its group."""


@contextlib.contextmanager
def stop_signals(
    stop: Callable[[], None], *, on_hangup: Callable[[], None]
) -> Iterator[Callable[[], bool]]:
    """``stop`` is called by the loop at a SIGINT or SIGTERM; a second one leaves the process.

    Yields a function that tells whether one has come: while the loop is blocked (files are written
    at the end) ``stop`` is not called, but a second one leaves all the same. SIGHUP (the terminal
    was closed) calls ``on_hangup`` and the run goes on. Outside the main thread, where signals
    cannot be caught, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    loop = asyncio.get_running_loop()
    asked_at: float | None = None
    scheduled: list[asyncio.Handle] = []

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_at
        if asked_at is None:
            asked_at = time.monotonic()
        elif time.monotonic() - asked_at > SAME_WISH_S:
            os._exit(InterruptedRunError.exit_code)
        scheduled.append(loop.call_soon_threadsafe(stop))

    def hang_up(_number: int, _frame: FrameType | None) -> None:
        leave_terminal()
        scheduled.append(loop.call_soon_threadsafe(on_hangup))

    # Not by the loop: it keeps one handler for each signal and would forget that of its owner.
    before = {number: signal.signal(number, end) for number in _ENDING}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, hang_up)
    for number in before:
        signal.siginterrupt(number, False)
    try:
        yield lambda: asked_at is not None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for handle in scheduled:
            handle.cancel()


def leave_terminal() -> None:
    """Writing to a terminal that is gone fails, so output goes nowhere from now on."""
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
