"""In which order those that wait get what is free."""

from __future__ import annotations

import asyncio

from judgeforge.calls.limits.queues import Slots


def test_those_that_go_first_are_served_in_their_order_before_all_others() -> None:
    asyncio.run(_serve_some())


async def _serve_some() -> None:
    slots, served = Slots(1), list[str]()
    assert slots.take()

    def other() -> None:
        assert slots.take()
        served.append("other")

    async def first(name: str) -> None:
        await slots.take_first()
        served.append(name)

    slots.call_in_turn(other)
    tasks = [asyncio.create_task(first(name)) for name in ("a", "gone", "b")]
    await asyncio.sleep(0)
    tasks[1].cancel()
    for _ in range(3):
        slots.give_back()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served == ["a", "b", "other"]
    assert slots.taken == 1
