"""What becomes of a function that nobody closes: it is dropped, or its process ends.

Its folder is given back in either case, with its result files. A dropped function is collected in
any thread and at any time, so nothing may wait then: its session ends by itself, and whoever opens
the same folder next, or ends the process, waits for it. One that is dropped within a cycle (a
trainer and its parts) is collected at the latest when its folder is opened again.
"""

from __future__ import annotations

import atexit
import gc
import os
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Protocol

from judgeforge.errors import JudgeforgeError
from judgeforge.runs.result import RunResult
from judgeforge.runs.reward.session import RewardSession

_OPEN: set[tuple[int, Path]] = set()
"""Processes and folders: a forked process has no part in its parent's."""
_ENDING: dict[tuple[int, Path], Future[None]] = {}
"""Of dropped functions, by process and folder."""


class Closable(Protocol):
    def close(self) -> RunResult | None: ...


class Unclosed:
    """Watches over one open session of ``function`` until it is closed in an orderly way."""

    def __init__(self, function: Closable, session: RewardSession, folder: Path) -> None:
        pid = os.getpid()
        self._place = pid, folder
        _OPEN.add(self._place)
        self._finalizer = weakref.finalize(function, _let_go, session, folder, pid)
        self._finalizer.atexit = False  # the order of atexit is that in which folders were opened
        self._at_exit = _closer(weakref.ref(function), folder, pid)
        atexit.register(self._at_exit)

    def is_over(self) -> None:
        """The session is closed by whoever has the function."""
        _OPEN.discard(self._place)
        self._finalizer.detach()
        atexit.unregister(self._at_exit)


def wait_until_free(folder: Path) -> None:
    """Until what dropped functions of this process had in ``folder`` is written."""
    if (os.getpid(), folder) in _OPEN:
        gc.collect()
    if (ending := _ENDING.get((os.getpid(), folder))) is not None:
        wait([ending])


def _let_go(session: RewardSession, folder: Path, pid: int) -> None:
    if os.getpid() != pid:
        return
    _OPEN.discard((pid, folder))
    told: Future[None] = Future()
    _ENDING[pid, folder] = told
    session.let_go().add_done_callback(partial(_ended, folder, told))


def _ended(folder: Path, told: Future[None], ending: Future[RunResult]) -> None:
    try:
        if isinstance(error := ending.exception(), JudgeforgeError):
            _warn(folder, error)
    finally:
        told.set_result(None)


def _closer(function: weakref.ref[Closable], folder: Path, pid: int) -> Callable[[], None]:
    """What ends an open session with its process; not in a process that was forked from it."""

    def close() -> None:
        if os.getpid() != pid:
            return
        if (found := function()) is None:
            wait_until_free(folder)
            return
        try:
            found.close()
        except JudgeforgeError as error:
            _warn(folder, error)

    return close


def _warn(folder: Path, error: JudgeforgeError) -> None:
    warnings.warn(
        f"{folder}: its result files were not written ({error}). Everything that was paid is kept: "
        "open the same folder again and close it.",
        stacklevel=2,
    )
