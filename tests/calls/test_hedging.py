"""The race of a late request and its copy, in simulated time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from judgeforge.calls.hedging import race
from tests.support.simulated_time import simulated

Reply = Coroutine[Any, Any, str]


async def after(delay_s: float, reply: str) -> str:
    await asyncio.sleep(delay_s)
    return reply


async def raced(
    first: Reply, second: Callable[[], Awaitable[Reply | None]], *, fails: str = ""
) -> tuple[str | None, list[str]]:
    """What the race gave, or None where it failed with such an error, and what ran on gave."""
    kept: list[asyncio.Task[str]] = []
    racing = race(first, second, after_s=1.0, keep=kept.append)
    if fails:
        with pytest.raises(OSError, match=fails):
            await racing
        return None, [await task for task in kept]
    return await racing, [await task for task in kept]


def test_while_there_is_no_room_for_a_hedge_it_is_asked_again() -> None:
    asked = []

    async def no_room() -> None:
        asked.append(True)

    assert simulated(raced(after(3.5, "first"), no_room)) == ("first", [])
    assert len(asked) == 3


def test_the_hedge_wins_where_the_first_stays_late_and_the_first_runs_on() -> None:
    async def room() -> Reply:
        return after(0.5, "second")

    assert simulated(raced(after(9.0, "first"), room)) == ("second", ["first"])


def test_the_first_wins_where_it_comes_before_its_hedge_which_runs_on() -> None:
    async def room() -> Reply:
        return after(5.0, "second")

    assert simulated(raced(after(2.0, "first"), room)) == ("first", ["second"])


def test_a_process_that_stands_still_sends_no_hedge_for_a_reply_that_has_come() -> None:
    async def first() -> str:
        await asyncio.sleep(0.1)
        for _ in range(9):  # as many steps as reading a reply may take
            await asyncio.sleep(0)
        return "first"

    async def never() -> Reply:
        raise AssertionError("a reply is paid twice")

    async def scenario() -> str:
        asyncio.get_running_loop().call_later(0.05, time.sleep, 0.6)
        return await race(first(), never, after_s=0.4, keep=lambda _: None)

    assert asyncio.run(scenario()) == "first"


def test_an_error_in_the_decision_leaves_the_first_to_be_waited_for() -> None:
    async def breaks() -> None:
        raise OSError("the log cannot be written")

    assert simulated(raced(after(5.0, "first"), breaks, fails="log")) == (None, ["first"])
