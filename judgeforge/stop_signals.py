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
