"""Who goes first of requests that begin alike, and how long the others wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from judgeforge.calls.limits.turns import KEPT_S, MOST_WAIT_S, Turns
from tests.support.simulated_time import simulated


class Log:
    """Requests that are sent and answered when told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.sent = turns, list[str]()
        self._answers: dict[str, asyncio.Future[None]] = {}

    async def ask(self, name: str, beginnings: Sequence[str]) -> None:
        async with self.turns.turn(beginnings) as turn:
            turn.sent()
            self.sent.append(name)
            self._answers[name] = asyncio.get_running_loop().create_future()
            await self._answers[name]

    def begin(self, name: str, *beginnings: str) -> asyncio.Task[None]:
        return asyncio.create_task(self.ask(name, beginnings))

    async def answer(self, name: str, error: Exception | None = None) -> None:
        answer = self._answers[name]
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_first_of_a_row_goes_alone_and_the_others_together() -> None:
    async def run() -> None:
        log = Log(Turns())
        tasks = [log.begin(name, "row") for name in "abc"]
        await settled()
        assert log.sent == ["a"]
        await log.answer("a")
        assert log.sent == ["a", "b", "c"]
        later = log.begin("d", "row")
        await settled()
        assert log.sent[-1] == "d", "what is kept is waited for by nobody"
        for name in "bcd":
            await log.answer(name)
        await asyncio.gather(*tasks, later)

    asyncio.run(run())


def test_rows_of_one_rubric_wait_for_the_first_request_of_the_run_only() -> None:
    async def run() -> None:
        log = Log(Turns())
        tasks = [log.begin(f"{row}{n}", "rubric", row) for row in "xy" for n in range(2)]
        await settled()
        assert log.sent == ["x0"]
        await log.answer("x0")
        assert sorted(log.sent) == ["x0", "x1", "y0"]
        await log.answer("y0")
        assert log.sent[-1] == "y1"
        await log.answer("x1")
        await log.answer("y1")
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_a_first_request_that_fails_keeps_nobody() -> None:
    async def run() -> None:
        log = Log(Turns())
        tasks = [log.begin(name, "row") for name in "ab"]
        await settled()
        await log.answer("a", RuntimeError("refused"))
        assert log.sent == ["a", "b"]
        await log.answer("b")
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [RuntimeError, type(None)]

    asyncio.run(run())


def test_a_first_request_that_is_cancelled_keeps_nobody() -> None:
    async def run() -> None:
        log = Log(Turns())
        first, second = (log.begin(name, "row") for name in "ab")
        await settled()
        first.cancel()
        await settled()
        assert log.sent == ["a", "b"]
        await log.answer("b")
        await second

    asyncio.run(run())


def test_nobody_waits_longer_than_a_server_needs_to_read() -> None:
    async def run() -> None:
        log = Log(Turns())
        tasks = [log.begin(name, "row") for name in "ab"]
        await asyncio.sleep(MOST_WAIT_S - 0.1)
        assert log.sent == ["a"]
        await asyncio.sleep(0.2)
        assert log.sent == ["a", "b"], "the first one is still being answered"
        await log.answer("a")
        await log.answer("b")
        await asyncio.gather(*tasks)

    simulated(run())


def test_what_nothing_has_read_for_long_is_brought_anew() -> None:
    now = [0.0]

    async def run() -> None:
        log = Log(Turns(lambda: now[0]))
        first = log.begin("a", "row")
        await settled()
        await log.answer("a")
        now[0] = KEPT_S + 1
        tasks = [log.begin(name, "row") for name in "bc"]
        await settled()
        assert log.sent == ["a", "b"]
        await log.answer("b")
        await log.answer("c")
        await asyncio.gather(first, *tasks)

    asyncio.run(run())


def test_requests_without_a_beginning_wait_for_nothing() -> None:
    async def run() -> None:
        log = Log(Turns())
        tasks = [log.begin(name) for name in "ab"]
        await settled()
        assert log.sent == ["a", "b"]
        for name in "ab":
            await log.answer(name)
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_readers_are_those_under_way_and_what_is_kept_counts_as_many() -> None:
    async def run() -> None:
        turns = Turns()
        for _ in range(3):
            turns.expect(["rubric", "row"])
        assert turns.readers(["rubric", "row"]) == 3
        async with turns.turn(["rubric", "row"]):
            pass
        for _ in range(3):
            turns.ended(["rubric", "row"])
        assert turns.readers(["rubric", "row"]) > 3
        assert turns.readers([]) == 0

    asyncio.run(run())


def test_what_is_long_gone_takes_no_memory() -> None:
    now = [0.0]
    turns = Turns(lambda: now[0])
    for number in range(20_000):
        now[0] = float(number)
        turns.expect([f"row {number}"])
        turns.ended([f"row {number}"])
    assert len(turns._known) < 5_000
