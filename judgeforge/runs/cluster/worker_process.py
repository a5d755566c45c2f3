"""The program of a local worker: ``python -m judgeforge.runs.cluster.worker_process DESCRIPTOR``.

The descriptor is its end of a socket pair. When the coordinator goes away, the worker goes at once:
whatever it has in flight counts as paid, and nothing could store a reply any more.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from typing import NoReturn

_YOUNG_OBJECTS = 200_000
"""More than importing everything makes: see the program ``judgeforge``."""
_FORSAKEN = 1
"""Exit code of a worker whose coordinator is gone."""


def main() -> None:
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    live(socket.socket(fileno=int(sys.argv[1])))


def live(connected: socket.socket) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A copy has the program's handler: all its prompts would end as if the run had been stopped.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(_work(connected))
    # All is with the kernel, and taking Python apart takes a tenth of a second of each worker.
    os._exit(0)


async def _work(connected: socket.socket) -> None:
    from judgeforge.runs.cluster.channel import ChannelClosedError, SocketChannel
    from judgeforge.runs.cluster.worker import work

    gc.freeze()
    channel = await SocketChannel.over(connected)
    try:
        await work(channel)
        await channel.sent()
    except ChannelClosedError:
        # Without the usual end: calls under way would be told to a coordinator that is gone.
        os._exit(_FORSAKEN)


if __name__ == "__main__":
    main()
