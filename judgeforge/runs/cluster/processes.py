"""Workers as processes of this machine, each at the other end of a socket pair."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

from judgeforge.runs.cluster.channel import Channel, ChannelClosedError, SocketChannel
from judgeforge.runs.cluster.forked import ForkedWorker, ForkedWorkers
from judgeforge.runs.cluster.messages import Job
from judgeforge.text.redaction import redact
from judgeforge.text.wording import shortened

_PROGRAM = "judgeforge.runs.cluster.worker_process"
_LONGEST_LAST_WORDS = 300
"""Room for the path of an interpreter and what it complains of."""


class LocalProcesses:
    """Implements ``Place``. ``job``: that of a worker of this name; ``forked``: are taken first."""

    def __init__(self, job: Callable[[str], Job], forked: ForkedWorkers) -> None:
        self._job, self._forked = job, forked
        self._processes: dict[str, tuple[asyncio.subprocess.Process | ForkedWorker, IO[bytes]]] = {}

    async def open(self, name: str) -> Channel:
        forked = self._forked.take()
        if forked is None:
            here = await self._begin(name)
        else:
            here = forked.connected
            self._processes[name] = forked, forked.output
        channel = await SocketChannel.over(here)
        channel.send([self._job(name)])
        return channel

    async def _begin(self, name: str) -> socket.socket:
        """A new process; returns what it is connected to."""
        here, there = socket.socketpair()
        output = TemporaryFile()  # noqa: SIM115 (closed with the process)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _PROGRAM, str(there.fileno())),
                pass_fds=[there.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                # Ctrl-C at the terminal is for the coordinator, which ends its workers in order.
                start_new_session=True,
            )
        except OSError as error:
            here.close()
            output.close()
            raise ChannelClosedError(f"no process can be started: {error}") from error
        finally:
            there.close()
        self._processes[name] = process, output
        return here

    async def ended(self, name: str, *, kill: bool) -> str:
        process, output = self._processes[name]
        if kill and process.returncode is None:
            # What it has sent is read; that it may be alive without its channel helps nobody.
            process.kill()
        code = await process.wait()
        del self._processes[name]
        output.seek(0)
        said = output.read().decode(errors="replace").strip().splitlines()
        output.close()
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        last = f": {shortened(redact(said[-1]), _LONGEST_LAST_WORDS)}" if said else ""
        return f"ended with exit code {code}{last}"
