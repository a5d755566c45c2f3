"""Workers that the program begins before anything else: copies of it, which have loaded all it has.

A new process loads for as long as a thousand calls take. A copy is whole only where nothing else
lives in the process (threads, an event loop, a database), so only the command line makes them.
Those that replace workers that died are new processes, as all are elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, NoReturn

from judgeforge.runs.cluster.worker_process import live


class ForkedWorker:
    """``connected``: to its end of a socket pair; ``output``: what it has complained of."""

    def __init__(self, pid: int, connected: socket.socket, output: IO[bytes]) -> None:
        self.connected, self.output = connected, output
        self._pid = pid
        self._ended: asyncio.Task[int] | None = None
        self.returncode: int | None = None

    def kill(self) -> None:
        """Only before ``wait`` has told that it is gone: its number is free for others then."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    async def wait(self) -> int:
        """As that of a process of asyncio."""
        if self._ended is None:
            self._ended = asyncio.create_task(asyncio.to_thread(self._wait))
        return await asyncio.shield(self._ended)

    def end(self) -> None:
        """Of one that has no job: it goes when its channel closes."""
        self.connected.close()
        self.output.close()
        self._wait()

    def _wait(self) -> int:
        _, status = os.waitpid(self._pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class ForkedWorkers:
    """Those that no run has taken yet."""

    def __init__(self) -> None:
        self._waiting: list[ForkedWorker] = []

    def fork(self, number: int) -> None:
        """Begin as many, or none where a copy of this process might not be whole."""
        if sys.platform != "linux" or threading.active_count() > 1:
            return
        for _ in range(min(number, os.cpu_count() or 1)):
            try:
                self._waiting.append(_forked(self._waiting))
            except OSError:  # a new process will be tried, and tells what is wrong
                return

    def take(self) -> ForkedWorker | None:
        return self._waiting.pop() if self._waiting else None

    def end(self) -> None:
        while (one := self.take()) is not None:
            one.end()


def _forked(others: Iterable[ForkedWorker]) -> ForkedWorker:
    here, there = socket.socketpair()
    with there:
        output = TemporaryFile()  # noqa: SIM115 (closed with the process)
        pid = os.fork()
        if pid == 0:
            _become_worker(there, output, [here, *(one.connected for one in others)])
    return ForkedWorker(pid, here, output)


def _become_worker(
    there: socket.socket, output: IO[bytes], of_coordinator: Iterable[socket.socket]
) -> NoReturn:
    """A channel whose other end is open here too would never be seen to close."""
    try:
        os.setsid()
        for one in of_coordinator:
            one.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        for place, standard in enumerate((nothing, nothing, output.fileno())):
            os.dup2(standard, place)
        live(there)
    except BaseException:  # noqa: BLE001 (whatever it is, the program must not go on twice)
        os.write(2, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(1)
