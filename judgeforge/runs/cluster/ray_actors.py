"""Workers on a Ray cluster: one actor each, with a long poll as its way back.

Ray tells that an actor or its node is gone, and gives no exactly-once: whatever was under way may
or may not have happened. Nothing here depends on it: a worker that cannot be reached counts as
lost, it stops by itself once it hears nothing, and the keys of calls do the rest.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError

from judgeforge.errors import ConfigError
from judgeforge.runs.cluster.channel import Channel, ChannelClosedError, NoRoomError
from judgeforge.runs.cluster.frames import Message, packed, unpacked
from judgeforge.runs.cluster.messages import Job
from judgeforge.runs.cluster.worker import work
from judgeforge.text.wording import shortened

AUTO = "auto"
_POLL_S = 1.0
"""How long an actor waits for something to tell before it answers with nothing."""
_ROOM_S = 30.0
"""How long an actor may wait for a processor of the cluster."""
_OBJECT_STORE_BYTES = 128 * 2**20
"""Of a cluster that is begun for the run: messages are small and never stored."""
_AT_ONCE = 1000
_ANSWER_S = 10.0
_LONGEST_LAST_WORDS = 300
"""Of Ray's errors, which name hosts, ids and paths."""


class _ActorChannel:
    """The worker's end: what it sends is fetched, what it receives is brought."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Sequence[Message]] = asyncio.Queue()
        self._late: dict[int, bytes] = {}
        self._next = 0
        self._outbox: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self._heard_at = time.monotonic()

    def send(self, messages: Sequence[Message]) -> None:
        if messages:
            self._outbox.append(packed(messages))
            self._filled.set()

    async def receive(self) -> Sequence[Message]:
        return await self._inbox.get()

    def unheard_s(self) -> float:
        return time.monotonic() - self._heard_at

    def close(self) -> None:
        """The actor ends with its handle."""

    def bring(self, number: int, frame: bytes) -> None:
        """Calls to an actor may overtake each other, so frames are numbered."""
        self._late[number] = frame
        while (due := self._late.pop(self._next, None)) is not None:
            self._next += 1
            self._inbox.put_nowait(unpacked(due))

    async def fetch(self) -> list[bytes]:
        self._heard_at = time.monotonic()
        if not self._outbox:
            self._filled.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._filled.wait()
        frames = list(self._outbox)
        self._outbox.clear()
        return frames


class WorkerActor:
    """One worker; an async actor, so that both ways are open at once."""

    def __init__(self) -> None:
        self._channel = _ActorChannel()
        self._work: asyncio.Task[None] | None = None

    async def bring(self, number: int, frame: bytes) -> None:
        if self._work is None:
            self._work = asyncio.create_task(work(self._channel))
        self._channel.bring(number, frame)

    async def fetch(self) -> list[bytes]:
        if self._work is not None and self._work.done() and self._work.exception() is not None:
            raise RuntimeError(f"the worker failed: {self._work.exception()!r}")
        return await self._channel.fetch()


class _HandleChannel:
    """The coordinator's end. ``unheard_s``: after this long without a word it counts as closed."""

    def __init__(self, handle: Any, unheard_s: float) -> None:  # noqa: ANN401 (of Ray)
        self._handle, self._unheard_s = handle, unheard_s
        self._number = 0
        self._brought: set[asyncio.Future[Any]] = set()

    def send(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        frame = packed(messages)
        with suppress(RayError):  # shows in `receive`
            brought = asyncio.ensure_future(_done(self._handle.bring.remote(self._number, frame)))
            self._brought.add(brought)
            brought.add_done_callback(self._brought.discard)
        self._number += 1

    async def receive(self) -> Sequence[Message]:
        end = time.monotonic() + self._unheard_s
        while True:
            try:
                async with asyncio.timeout(max(0.0, end - time.monotonic())):
                    frames = await self._handle.fetch.remote()
            except RayError as error:
                raise ChannelClosedError(_in_words(error)) from error
            except TimeoutError as error:
                why = f"nothing was heard of it for {self._unheard_s:g} s"
                raise ChannelClosedError(why) from error
            if frames:
                return [message for frame in frames for message in unpacked(frame)]

    def unheard_s(self) -> float:
        return 0.0

    def close(self) -> None:
        with suppress(RayError):
            ray.kill(self._handle)


class RayActors:
    """Implements ``Place`` on the cluster at ``address``. ``job``: that of a worker's name."""

    def __init__(self, job: Callable[[str], Job], *, unheard_s: float) -> None:
        self._job, self._unheard_s = job, unheard_s
        self._channels: dict[str, _HandleChannel] = {}
        options = {"num_cpus": 1, "max_restarts": 0, "max_concurrency": _AT_ONCE}
        self._actor: Any = ray.remote(**options)(WorkerActor)  # type: ignore[call-overload, unused-ignore]

    async def open(self, name: str) -> Channel:
        handle = self._actor.options(scheduling_strategy="SPREAD").remote()
        channel = _HandleChannel(handle, self._unheard_s)
        try:
            async with asyncio.timeout(_ROOM_S):
                await handle.fetch.remote()
        except TimeoutError as error:
            channel.close()
            raise NoRoomError("the cluster has no free processor for another worker") from error
        except RayError as error:
            raise ChannelClosedError(_in_words(error)) from error
        channel.send([self._job(name)])
        self._channels[name] = channel
        return channel

    async def ended(self, name: str, *, kill: bool) -> str:
        del kill  # an actor has no end of its own
        self._channels.pop(name).close()
        return "its actor or its node is gone, or cannot be reached"


async def connect(address: str) -> bool:
    """Be part of the cluster; with ``auto`` of the one that this machine belongs to, or of one that
    is begun here. Returns whether it must be left again. Raises ConfigError."""
    if ray.is_initialized():
        return False
    # In a thread: in the main one Ray would take the signals of the run.
    await asyncio.to_thread(_connect, address)
    return True


async def leave() -> None:
    await asyncio.to_thread(ray.shutdown)


def processors() -> int:
    """Of the cluster."""
    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call, unused-ignore]
    return int(found.get("CPU", 0))


def _connect(address: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    _expect_answer(address)
    quietly: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        ray.init(address=address, **quietly)
    except ConnectionError as error:
        if address != AUTO:
            why = f"no Ray cluster answers there ({_words(str(error))})"
            raise ConfigError(f"cluster {address}: {why}") from error
        ray.init(include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quietly)
    except (RayError, RuntimeError, ValueError) as error:
        raise ConfigError(f"cluster {address}: {_words(str(error))}") from error


def _expect_answer(address: str) -> None:
    """Ray itself would wait for minutes. Raises ConfigError."""
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdigit():
        return  # a word or an address of another kind
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"cluster {address}: nothing answers there ({error})") from error


async def _done(reference: Any) -> None:  # noqa: ANN401 (of Ray)
    with suppress(RayError):
        await reference


def _in_words(error: RayError) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {_words(said[0])}" if said else type(error).__name__


def _words(of_ray: str) -> str:
    return shortened(of_ray, _LONGEST_LAST_WORDS)
