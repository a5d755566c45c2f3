"""Reservations that are booked before the calls: enough at hand, and none that is lost."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.money.claims import Claim, claiming
from judgeforge.errors import BudgetExhaustedError
from judgeforge.runs.cluster.leased_money import MOST_AHEAD, LeasedMoney, UsedNumbers, size_of
from judgeforge.runs.cluster.messages import Granted, Want

P = ParamSpec("P")


def in_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **given: P.kwargs) -> None:
        async def whole() -> None:
            await test(*args, **given)

        asyncio.run(whole())

    return run


class Coordinator:
    """Grants all that is asked for, once it is told to."""

    def __init__(self, file: Path | None = None) -> None:
        self.wanted: list[Want] = []
        self.rows: list[list[Any]] = []
        self.next = 0
        self.money = LeasedMoney(
            UsedNumbers(file), want=self.wanted.append, close_row=self.rows.append
        )

    def grant_all(self) -> None:
        wanted = list(self.wanted)
        self.wanted.clear()
        for one in wanted:
            numbers = list(range(self.next, self.next + one.count))
            self.next += one.count
            self.money.granted(Granted(one.pico, numbers, (10**15, None)))


@given(st.integers(0, 10**18))
def test_a_reservation_is_never_smaller_than_its_call_and_hardly_larger(pico: int) -> None:
    size = size_of(pico)
    assert size is not None
    assert pico <= size <= pico * 1.125


def test_a_price_that_is_unknown_has_no_size() -> None:
    assert size_of(None) is None


@in_loop
async def test_the_first_call_waits_and_the_next_ones_find_theirs_at_hand() -> None:
    coordinator = Coordinator()
    first = asyncio.ensure_future(coordinator.money.reserve(100))
    await asyncio.sleep(0)
    assert not first.done()
    coordinator.grant_all()
    assert (await first).pico == 100, "what the call may cost, not what was booked for it"
    assert (await coordinator.money.reserve(99)).id != first.result().id


@in_loop
async def test_more_are_held_ahead_the_more_often_a_call_had_to_wait() -> None:
    coordinator = Coordinator()
    for _ in range(10):
        waiting = [asyncio.ensure_future(coordinator.money.reserve(7)) for _ in range(100)]
        while not all(one.done() for one in waiting):
            await asyncio.sleep(0)
            coordinator.grant_all()
    assert coordinator.next <= 1000 + MOST_AHEAD
    assert len({one.result().id for one in waiting}) == 100


@in_loop
async def test_a_smaller_call_takes_a_larger_reservation_where_there_is_one() -> None:
    coordinator = Coordinator()
    large = asyncio.ensure_future(coordinator.money.reserve(1000))
    await asyncio.sleep(0)
    coordinator.grant_all()
    await large
    assert (await coordinator.money.reserve(10)).pico == 10


@in_loop
async def test_what_is_not_used_is_returned_and_what_is_used_is_not() -> None:
    coordinator = Coordinator()
    used = asyncio.ensure_future(coordinator.money.reserve(5))
    await asyncio.sleep(0)
    coordinator.grant_all()
    coordinator.money.give_back()
    returned = {row[1] for row in coordinator.rows}
    assert {row[0] for row in coordinator.rows} == {"released"}
    assert returned == set(range(coordinator.next)) - {(await used).id}


@in_loop
async def test_a_refusal_ends_the_calls_of_that_size_alone() -> None:
    coordinator = Coordinator()
    small = asyncio.ensure_future(coordinator.money.reserve(5))
    large = asyncio.ensure_future(coordinator.money.reserve(5000))
    await asyncio.sleep(0)
    coordinator.money.refused(size_of(5000), BudgetExhaustedError("no more"))
    with pytest.raises(BudgetExhaustedError):
        await large
    assert not small.done()
    coordinator.grant_all()
    await small


@in_loop
async def test_a_call_that_is_given_up_leaves_its_reservation_to_the_next() -> None:
    coordinator = Coordinator()
    given_up = asyncio.ensure_future(coordinator.money.reserve(5))
    await asyncio.sleep(0)
    coordinator.grant_all()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    coordinator.money.give_back()
    assert {row[1] for row in coordinator.rows} == set(range(coordinator.next))


@in_loop
async def test_a_number_is_on_disk_before_its_call_leaves(tmp_path: Path) -> None:
    coordinator = Coordinator(tmp_path / "used")
    one = asyncio.ensure_future(coordinator.money.reserve(5))
    await asyncio.sleep(0)
    coordinator.grant_all()
    number = (await one).id
    assert (tmp_path / "used").read_text() == f"{number}\n"


@in_loop
async def test_a_prompt_that_may_pay_nothing_gets_no_reservation() -> None:
    coordinator = Coordinator()
    with (
        claiming(Claim(refusal=BudgetExhaustedError("used up"))),
        pytest.raises(BudgetExhaustedError),
    ):
        await coordinator.money.reserve(5)
    assert coordinator.wanted == []


@in_loop
async def test_what_a_call_costs_counts_for_its_prompt() -> None:
    coordinator, claim = Coordinator(), Claim()
    with claiming(claim):
        one = asyncio.ensure_future(coordinator.money.reserve(5))
        await asyncio.sleep(0)
        coordinator.grant_all()
        coordinator.money.settle(await one, 4, tokens=(3, 2))
    assert (claim.paid_pico, claim.paid_calls) == (4, 1)
    assert coordinator.rows == [["settled", one.result().id, 4, 3, 2]]


@in_loop
async def test_nothing_is_sent_once_the_coordinator_may_have_given_up_the_worker(
    tmp_path: Path,
) -> None:
    class LeftError(Exception):
        """In place of the end of the process."""

    def leave() -> None:
        raise LeftError

    coordinator, used = Coordinator(), UsedNumbers(tmp_path / "used")
    money = LeasedMoney(
        used,
        want=coordinator.wanted.append,
        close_row=coordinator.rows.append,
        leave_if_cut_off=leave,
    )
    one = asyncio.ensure_future(money.reserve(5))
    await asyncio.sleep(0)
    money.granted(Granted(size_of(5), [0], (None, None)))
    with pytest.raises(LeftError):
        await one
    used.close()
    assert (tmp_path / "used").read_text() == ""


def test_where_the_user_has_accepted_that_there_are_no_locks_workers_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_flock(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr("fcntl.flock", no_flock)
    used = UsedNumbers(tmp_path / "used")
    used.add(3)
    used.close()
    assert (tmp_path / "used").read_text() == "3\n"
