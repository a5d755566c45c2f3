"""When prompts wait for workers that are about to begin, and when they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from judgeforge.runs.cluster.channel import Channel, ChannelClosedError
from judgeforge.runs.cluster.coordinator import Member
from judgeforge.runs.cluster.messages import Ready
from judgeforge.runs.cluster.workers import Workers
from judgeforge.store.log import RunLog
from judgeforge.text.redaction import Redactor


class Begun:
    """The end of a worker that is ready after a while, and says nothing more."""

    def __init__(self, after_s: float) -> None:
        self._after_s: float | None = after_s

    def send(self, messages: Sequence[Any]) -> None:
        """It does not listen."""

    async def receive(self) -> Sequence[Any]:
        if self._after_s is None:
            await asyncio.Event().wait()
        await asyncio.sleep(self._after_s or 0)
        self._after_s = None
        return [Ready(1, "here")]

    def unheard_s(self) -> float:
        return 0.0

    def close(self) -> None:
        """There is nothing to close."""


class Waiting:
    """Implements ``Place``; None: whoever is begun dies."""

    def __init__(self, after_s: float | None) -> None:
        self._after_s = after_s

    async def open(self, name: str) -> Channel:
        if self._after_s is None:
            raise ChannelClosedError(f"{name} died")
        return Begun(self._after_s)

    async def ended(self, name: str, *, kill: bool) -> str:
        return f"{name} ended, {kill=}"


class Alone:
    """As much of a coordinator as is asked of it here."""

    members: dict[str, Member]

    def __init__(self) -> None:
        self.members = {}

    def join(self, member: Member) -> None:
        self.members[member.name] = member

    def take(self, member: Member, message: object) -> bool:
        return False

    def lost(self, member: Member) -> int:
        return 0

    def look_at_own(self) -> None: ...

    def balance(self) -> None: ...

    def look_at_money(self) -> None: ...


def workers(folder: Path, after_s: float | None, *, soon_s: float) -> Workers:
    return Workers(
        2,
        Waiting(after_s),
        Alone(),  # type: ignore[arg-type]
        begin_with=lambda: pytest.fail("nobody is told to begin"),
        has_equal=False,
        soon_s=soon_s,
        log=RunLog(folder / "log.jsonl", Redactor()),
        fail=lambda error: pytest.fail(repr(error)),
        say=lambda _: None,
    )


@pytest.mark.parametrize(
    ("after_s", "soon_s", "ready"),
    [(0.02, 30.0, True), (30.0, 0.02, False), (0.02, 0.0, False), (None, 30.0, False)],
    ids=["they come", "they are late", "nobody knows when they come", "all die"],
)
def test_a_prompt_waits_for_workers_that_are_expected_and_no_longer(
    tmp_path: Path, after_s: float | None, soon_s: float, ready: bool
) -> None:
    async def wait() -> bool:
        crew = workers(tmp_path, after_s, soon_s=soon_s)
        crew.start()
        assert crew.are_ready is False
        async with asyncio.timeout(10):
            found = await crew.are_ready_soon()
            await crew.close(within_s=0)
        return found

    assert asyncio.run(wait()) is ready


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    async def stop() -> None:
        crew = workers(tmp_path, 30.0, soon_s=30.0)
        crew.start()
        waiting = asyncio.create_task(crew.are_ready_soon())
        await asyncio.sleep(0)
        crew.stop()
        async with asyncio.timeout(10):
            assert await waiting is False
            await crew.close(within_s=0)

    asyncio.run(stop())
