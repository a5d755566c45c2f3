"""Frames between coordinator and worker: whole, in order, and their end noticed."""

from __future__ import annotations

import asyncio
import socket

import pytest

from judgeforge.errors import (
    BudgetExhaustedError,
    BugError,
    ConfigError,
    JudgeforgeError,
    StatusError,
    StoreError,
)
from judgeforge.runs.cluster.channel import ChannelClosedError, Outbox, SocketChannel
from judgeforge.runs.cluster.messages import Failure, Logged, Spent
from judgeforge.runs.cluster.worker_outbox import WorkerOutbox


async def pair() -> tuple[SocketChannel, SocketChannel]:
    here, there = socket.socketpair()
    return await SocketChannel.over(here), await SocketChannel.over(there)


def test_frames_arrive_whole_and_in_order_whatever_their_size() -> None:
    async def run() -> None:
        here, there = await pair()
        frames = [[Logged([b"x" * size])] for size in (0, 1, 65_536, 3_000_000)]
        for frame in frames:
            here.send(frame)
        assert [await there.receive() for _ in frames] == frames
        here.send([])
        here.close()
        with pytest.raises(ChannelClosedError):
            await there.receive()
        there.close()

    asyncio.run(run())


def test_half_a_frame_of_a_killed_process_is_no_message() -> None:
    async def run() -> None:
        here, there = socket.socketpair()
        channel = await SocketChannel.over(here)
        there.sendall(b"\x00\x00\x10\x00half")
        there.close()
        with pytest.raises(ChannelClosedError):
            await channel.receive()
        channel.close()

    asyncio.run(run())


def test_what_is_put_within_a_moment_shares_a_frame() -> None:
    async def run() -> None:
        frames: list[object] = []
        outbox = Outbox(frames.append, gather_s=0.0)
        outbox.put("a")
        outbox.put("b")
        await asyncio.sleep(0.01)
        outbox.put("c")
        await asyncio.sleep(0.01)
        assert frames == [["a", "b"], ["c"]]

    asyncio.run(run())


def test_what_a_prompt_has_cost_is_told_before_its_end() -> None:
    async def run() -> None:
        frames: list[list[object]] = []
        out = WorkerOutbox(lambda frame: frames.append(list(frame)))
        out.put("the end of a prompt")
        out.log(b"line")
        out.close_row(["settled", 1, 2, 3, 4])
        out.flush()
        assert frames == [
            [Spent([["settled", 1, 2, 3, 4]]), Logged([b"line"]), "the end of a prompt"]
        ]

    asyncio.run(run())


@pytest.mark.parametrize(
    "error",
    [
        StoreError("the disk is full"),
        BudgetExhaustedError("used up", of_day=True),
        ConfigError("is wrong", key="models.a", line=3, file="c.yaml"),
        StatusError("refused", status=401, model="a", stops_run=True),
        BugError(ValueError("x"), __file__),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_what_it_was(error: JudgeforgeError) -> None:
    import pickle

    arrived = pickle.loads(pickle.dumps(Failure(error))).error()  # noqa: S301
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
