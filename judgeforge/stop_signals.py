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

from judgeforge.errors import InterruptedRunError

_ENDING = (signal.SIGINT, signal.SIGTERM)
SAME_WISH_S = 0.25
"""``timeout`` and some supervisors send each signal twice, to the process and to its group."""


@contextlib.contextmanager
def stop_signals(stop: Callable[[], None], *, on_hangup: Callable[[], None]) -> Iterator[None]:
    """``stop`` is called at the first SIGINT or SIGTERM; a second one leaves the process at once.

    SIGHUP (the terminal was closed) calls ``on_hangup`` and the run goes on. Outside the main
    thread, where signals cannot be caught, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked_at: float | None = None

    def end() -> None:
        nonlocal asked_at
        if asked_at is None:
            asked_at = time.monotonic()
            stop()
        elif time.monotonic() - asked_at > SAME_WISH_S:
            os._exit(InterruptedRunError.exit_code)

    def hang_up() -> None:
        leave_terminal()
        on_hangup()

    actions = dict.fromkeys(_ENDING, end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        actions[signal.SIGHUP] = hang_up
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in actions}
    for number, action in actions.items():
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in actions:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])


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
