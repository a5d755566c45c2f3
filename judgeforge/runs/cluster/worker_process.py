"""The program of a local worker: ``python -m judgeforge.runs.cluster.worker_process DESCRIPTOR``.

The descriptor is its end of a socket pair. When the coordinator goes away, the worker goes at once:
whatever it has in flight counts as paid, and nothing could store a reply any more.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from judgeforge.runs.cluster.channel import ChannelClosedError, SocketChannel
from judgeforge.runs.cluster.worker import FORSAKEN, work


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connected = socket.socket(fileno=int(sys.argv[1]))
    try:
        asyncio.run(_work(connected))
    except ChannelClosedError:
        os._exit(FORSAKEN)


async def _work(connected: socket.socket) -> None:
    channel = await SocketChannel.over(connected)
    try:
        await work(channel)
        await channel.sent()
    except ChannelClosedError:
        # Without the usual end: calls under way would be told to a coordinator that is gone.
        os._exit(FORSAKEN)


if __name__ == "__main__":
    main()
