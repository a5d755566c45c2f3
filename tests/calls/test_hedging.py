"""The race of a late request and its copy."""

import asyncio

import pytest

from judgeforge.calls.hedging import race


async def after(delay_s, reply):
    await asyncio.sleep(delay_s)
    return reply


def raced(first, second, *, after_s=0.01):
    """What the race gave, and the tasks that run on."""
    kept = []

    async def run():
        return await race(first, second, after_s=after_s, keep=kept.append)

    return run, kept


def test_while_there_is_no_room_for_a_hedge_it_is_asked_again():
    asked = []

    def no_room():
        asked.append(True)

    run, kept = raced(after(0.1, "first"), no_room)
    assert asyncio.run(asyncio.wait_for(run(), 5)) == "first"
    assert len(asked) > 1
    assert kept == []


def test_the_hedge_wins_where_the_first_stays_late_and_the_first_runs_on():
    def room():
        return after(0.0, "second")

    async def whole():
        run, kept = raced(after(0.2, "first"), room)
        return await run(), [await task for task in kept]

    assert asyncio.run(whole()) == ("second", ["first"])


def test_an_error_in_the_decision_leaves_the_first_to_be_waited_for():
    def breaks():
        raise OSError("the log cannot be written")

    async def whole():
        run, kept = raced(after(0.05, "first"), breaks)
        with pytest.raises(OSError, match="log"):
            await run()
        return [await task for task in kept]

    assert asyncio.run(whole()) == ["first"]
