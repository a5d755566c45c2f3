"""The budget: never over, over any number of restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from judgeforge.calls.money.budget import Budget
from judgeforge.errors import BudgetExhaustedError, StoreError
from judgeforge.store.spending import to_pico

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def test_a_call_that_fits_is_reserved_and_settled_at_what_it_cost(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "spending", usd=1.0)
    reservation = run(budget.reserve(to_pico(0.8)))
    assert budget.committed_pico == to_pico(0.8)
    budget.settle(reservation, to_pico(0.3), tokens=(10, 5))
    spending = budget.spending()
    assert (spending.calls, spending.input_tokens, spending.output_tokens) == (1, 10, 5)
    assert spending.cost_usd == pytest.approx(0.3)


def test_a_call_that_does_not_fit_with_nothing_in_flight_stops_the_run(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "spending", usd=0.5)
    with pytest.raises(BudgetExhaustedError, match=r"budget\.usd"):
        run(budget.reserve(to_pico(0.6)))


def test_a_call_that_does_not_fit_waits_for_settlements(tmp_path: Path) -> None:
    async def scenario() -> Any:
        budget = Budget(tmp_path / "spending", usd=1.0)
        first = await budget.reserve(to_pico(0.9))
        waiting = asyncio.create_task(budget.reserve(to_pico(0.9)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        budget.settle(first, to_pico(0.05))
        await asyncio.wait_for(waiting, 30)

    run(scenario())


def test_a_waiting_call_is_refused_once_the_settlements_leave_no_room(tmp_path: Path) -> None:
    async def scenario() -> Any:
        budget = Budget(tmp_path / "spending", usd=1.0)
        first = await budget.reserve(to_pico(0.9))
        waiting = asyncio.create_task(budget.reserve(to_pico(0.9)))
        await asyncio.sleep(0)
        budget.settle(first, to_pico(0.9))
        with pytest.raises(BudgetExhaustedError):
            await asyncio.wait_for(waiting, 30)

    run(scenario())


def test_max_calls_counts_sent_calls_and_not_those_that_never_left(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "spending", max_calls=2)
    budget.release(run(budget.reserve(0)))
    budget.settle(run(budget.reserve(0)), 0)
    run(budget.reserve(0))
    assert budget.calls == 2


def test_calls_in_flight_at_a_kill_count_as_spent_whole(tmp_path: Path) -> None:
    file = tmp_path / "spending"
    budget = Budget(file, usd=1.0)
    run(budget.reserve(to_pico(0.7)))
    again = Budget(file, usd=1.0)
    assert again.committed_pico == to_pico(0.7)
    with pytest.raises(BudgetExhaustedError):
        run(again.reserve(to_pico(0.4)))


def test_an_unknown_price_makes_the_cost_unknown_and_never_zero(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "spending")
    budget.settle(run(budget.reserve(None)), None)
    assert budget.spending().cost_usd is None
    assert Budget(tmp_path / "spending").spending().cost_usd is None


def test_a_line_that_a_kill_cut_off_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "spending"
    budget = Budget(file, usd=1.0)
    budget.settle(run(budget.reserve(5)), 5)
    budget.close()
    with file.open("ab") as end:
        end.write(b'["reserved",1,')
    again = Budget(file, usd=1.0)
    assert again.committed_pico == 5
    again.settle(run(again.reserve(7)), 7)
    assert Budget(file).committed_pico == 12


def test_a_damaged_file_stops_everything_because_the_spending_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "spending"
    file.write_text("garbage\n")
    with pytest.raises(StoreError, match="spending:1"):
        Budget(file)


class BudgetLife(RuleBasedStateMachine):
    """Reserve, settle, release, crash and resume in any order: billed never exceeds the limit."""

    LIMIT = 1000

    def __init__(self) -> None:
        super().__init__()
        import tempfile
        from pathlib import Path

        self.file = Path(tempfile.mkdtemp()) / "spending"
        self.open = []
        self.billed = 0
        self.budget = self._start()

    def _start(self) -> Budget:
        budget = Budget(self.file)
        budget._limit = self.LIMIT
        return budget

    @rule(pico=st.integers(0, 400))
    def reserve(self, pico: int) -> None:
        if self.budget.committed_pico + pico > self.LIMIT:
            if not self.budget.in_flight:
                with pytest.raises(BudgetExhaustedError):
                    run(self.budget.reserve(pico))
            return
        self.open.append(run(self.budget.reserve(pico)))

    @precondition(lambda self: self.open)
    @rule(share=st.floats(0, 1), which=st.integers(0, 10**6))
    def settle(self, share: float, which: int) -> None:
        reservation = self.open.pop(which % len(self.open))
        cost = int((reservation.pico or 0) * share)
        self.billed += cost
        self.budget.settle(reservation, cost)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 10**6))
    def never_connected(self, which: int) -> None:
        self.budget.release(self.open.pop(which % len(self.open)))

    @rule(share=st.floats(0, 1))
    def crash_and_resume(self, share: float) -> None:
        for reservation in self.open:
            self.billed += int((reservation.pico or 0) * share)
        self.open.clear()
        self.budget.close()
        self.budget = self._start()

    @invariant()
    def never_over(self) -> None:
        assert self.billed <= self.budget.committed_pico <= self.LIMIT

    @invariant()
    def the_file_tells_the_same(self) -> None:
        assert Budget(self.file).committed_pico == self.budget.committed_pico

    def teardown(self) -> None:
        for line in self.file.read_text().splitlines():
            json.loads(line)


BudgetLife.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestBudgetLife = BudgetLife.TestCase


def test_calls_of_a_batch_are_booked_together_and_go_on_in_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "spending.jsonl"
    budget = Budget(file, usd=10e-6)
    told: list[tuple[int, str | None]] = []
    assert budget.how_many_fit([3_000_000, 3_000_000, 3_000_000, 3_000_000]) == 3
    booked = budget.reserve_batch([3_000_000, 3_000_000], lambda *at: told.append(at))
    assert booked is not None
    assert told == [(0, None)]
    assert [one.id for one in booked] == [0, 1]
    budget.settle(booked[0], 1_000_000)
    budget.close()
    again = Budget(file, usd=10e-6)
    assert again.committed_pico == 4_000_000
    assert again.adopt(0, None) is None, "it is settled"
    adopted = again.adopt(1, None)
    assert adopted is not None
    assert again.in_flight == 1
    again.release(adopted)
    assert (again.committed_pico, again.calls) == (1_000_000, 1)
    again.close()


def test_money_of_a_batch_that_was_never_created_is_no_lost_row(tmp_path: Path) -> None:
    """A manifest may have counted it, while it could still be billed."""
    file = tmp_path / "spending.jsonl"
    budget = Budget(file, usd=1.0)
    booked = budget.reserve_batch([1, 1], lambda *_: None)
    assert booked is not None
    counted = budget.calls
    for one in booked:
        budget.release(one)
    assert budget.check_whole(sent=2, paid=counted) is None
    budget.close()


def test_nothing_is_booked_where_a_batch_cannot_be_announced(tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise StoreError("the disk is full")

    budget = Budget(tmp_path / "spending.jsonl")
    with pytest.raises(StoreError):
        budget.reserve_batch([1, 1], fails)
    assert (budget.calls, budget.in_flight) == (0, 0)
    budget.close()
