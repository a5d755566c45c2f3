"""The way between the coordinator and one worker: frames of messages, and their end.

A local worker is at the other end of a socket pair, one on another machine behind Ray; what talks
over it need not know.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from judgeforge.runs.cluster.frames import Message, packed, unpacked

_LENGTH_BYTES = 4
_BUFFER = 1 << 22


class ChannelClosedError(Exception):
    """The other end is gone; the message says what is known of it."""


class NoRoomError(ChannelClosedError):
    """A worker could not be begun since there is no room for it yet."""


class Channel(Protocol):
    def send(self, messages: Sequence[Message]) -> None:
        """In order, without waiting. What cannot be delivered shows in ``receive``."""
        ...

    async def receive(self) -> Sequence[Message]:
        """The next messages, in order. Raises ChannelClosedError."""
        ...

    def unheard_s(self) -> float:
        """Seconds since the other end was heard of; 0 where its end would be noticed at once."""
        ...

    def close(self) -> None: ...


class Place(Protocol):
    """Where workers run."""

    async def open(self, name: str) -> Channel:
        """Begin a worker of that name. Raises ChannelClosedError where none can be begun."""
        ...

    async def ended(self, name: str, *, kill: bool) -> str:
        """Wait until it is gone; how it ended, in words."""
        ...


class SocketChannel:
    """Over a connected socket; a frame is its length and a pickled list."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def over(cls, connected: socket.socket) -> SocketChannel:
        reader, writer = await asyncio.open_unix_connection(sock=connected, limit=_BUFFER)
        return cls(reader, writer)

    def send(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        frame = packed(messages)
        if not self._writer.is_closing():
            self._writer.write(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)

    async def receive(self) -> Sequence[Message]:
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            frame = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ChannelClosedError("the other process is gone") from error
        return unpacked(frame)

    def unheard_s(self) -> float:
        return 0.0

    async def sent(self) -> None:
        """Return once all of it is with the kernel."""
        with suppress(OSError):
            self._writer.transport.set_write_buffer_limits(0)
            await self._writer.drain()

    def close(self) -> None:
        with suppress(OSError, RuntimeError):
            self._writer.close()


class Outbox:
    """Gathers messages for ``gather_s`` seconds, so that many share a frame."""

    def __init__(self, send: Callable[[Sequence[Message]], None], *, gather_s: float) -> None:
        self._send, self._gather_s = send, gather_s
        self._messages: list[Message] = []
        self._is_due = False

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self.wake()

    def wake(self) -> None:
        """Have ``send`` called after the usual time, with what there is by then."""
        if self._is_due:
            return
        self._is_due = True
        loop = asyncio.get_running_loop()
        if self._gather_s > 0:
            loop.call_later(self._gather_s, self.flush)
        else:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        messages, self._messages = self._messages, []
        self._is_due = False
        self._send(messages)
