"""What workers have sent is kept, whatever becomes of them a moment later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.money.budget import Budget
from judgeforge.runs.cluster.coordinator import OWN, Coordinator, Member
from judgeforge.runs.cluster.leases import Leases
from judgeforge.runs.cluster.messages import Keep
from judgeforge.runs.cluster.shares import Limits, Shares
from judgeforge.store.folder import RunFolder
from judgeforge.store.log import RunLog
from judgeforge.text.redaction import Redactor


def test_replies_of_a_worker_that_dies_at_once_are_stored_before_it_counts_as_lost(
    tmp_path: Path,
) -> None:
    asyncio.run(_dies_at_once(tmp_path))


async def _dies_at_once(place: Path) -> None:
    folder = RunFolder(place / "out")
    folder.create()
    failures: list[BaseException] = []
    with (
        closing(Budget(folder.spending_file, usd=1.0)) as budget,
        closing(ReplyCache(place / "cache", on_damage=lambda *_: None)) as cache,
        closing(RunLog(folder.log, Redactor())) as log,
    ):
        coordinator = Coordinator(
            cache=cache,
            log=log,
            leases=Leases(budget, folder),
            limits=Limits(Slots(4), []),
            shares=Shares([4, 1000], OWN),
            fail=failures.append,
            say=print,
            learn=lambda _: None,
        )
        member = Member("w1", _Deaf())
        coordinator.join(member)
        coordinator.take(member, Keep([0], [("key", "text")]))
        await coordinator.stored(member)
        coordinator.lost(member)
        assert cache.entry("key") == "text"
    assert failures == []


class _Deaf:
    """The end of a worker that is gone: what is sent to it is lost."""

    def send(self, messages: Sequence[Any]) -> None:
        del messages

    async def receive(self) -> Sequence[Any]:
        raise AssertionError("it says nothing")

    def unheard_s(self) -> float:
        return 0.0

    def close(self) -> None:
        """There is nothing to close."""
