"""Near its end the budget is spent on prompts that can be finished."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.claims import Claim, claiming
from judgeforge.errors import BudgetExhaustedError
from judgeforge.records import Prompt
from judgeforge.runs.admission import Admission, Estimate
from judgeforge.store.counters import PromptCosts
from judgeforge.store.spending import PICODOLLARS
from judgeforge.text.messages import Message
from tests.local_server import LocalServer
from tests.support.run_setup import PRICE, rows, run, write_config

PROMPT = Prompt(id="p", line=1, messages=(Message(role="user", content="?"),), digest="0" * 64)


@pytest.fixture
def costs(tmp_path: Path) -> PromptCosts:
    return PromptCosts(tmp_path / "prompt-costs", prices="now")


def dollars(amount: float) -> int:
    return round(amount * PICODOLLARS)


def admission(
    budget: Budget, costs: PromptCosts, *, expected: float = 1.0, most: float = 4.0, calls: int = 2
) -> Admission:
    estimate = Estimate(calls, dollars(expected), dollars(most))
    return Admission(budget, lambda prompt: estimate, costs)


async def every_turn() -> None:
    """Let everything go on that need not wait."""
    for _ in range(20):
        await asyncio.sleep(0)


async def pay(budget: Budget, claim: Claim, cost: float, *, reserved: float | None = None) -> None:
    with claiming(claim):
        reservation = await budget.reserve(dollars(reserved or cost))
        budget.settle(reservation, dollars(cost))


def starts_at_once(wanted: Coroutine[Any, Any, Claim]) -> Coroutine[Any, Any, bool]:
    async def scenario() -> bool:
        task = asyncio.create_task(wanted)
        await every_turn()
        done = task.done()
        task.cancel()
        return done

    return scenario()


def test_without_a_limit_nobody_is_asked(tmp_path: Path, costs: PromptCosts) -> None:
    def never(prompt: Prompt) -> Estimate:
        raise AssertionError

    claim = asyncio.run(Admission(Budget(tmp_path / "spending"), never, costs).admit(PROMPT))
    assert claim.refusal is None


def test_before_any_experience_a_prompt_needs_the_most_that_it_can_cost(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def scenario() -> None:
        door = admission(Budget(tmp_path / "spending", usd=7.5), costs)
        assert await starts_at_once(door.admit(PROMPT))  # alone it is a probe
        assert not await starts_at_once(door.admit(PROMPT))

    asyncio.run(scenario())


def test_afterwards_it_needs_what_prompts_really_cost(tmp_path: Path, costs: PromptCosts) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", usd=7.5)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        await pay(budget, first, 0.5)
        door.ended(first, finished=True)
        for _ in range(13):
            assert await starts_at_once(door.admit(PROMPT))
        assert not await starts_at_once(door.admit(PROMPT))

    asyncio.run(scenario())


def test_a_prompt_that_used_stored_replies_teaches_nothing(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", usd=9.0)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        first.cached_calls = 1
        await pay(budget, first, 0.001)
        door.ended(first, finished=True)
        assert await starts_at_once(door.admit(PROMPT))
        assert await starts_at_once(door.admit(PROMPT))
        assert not await starts_at_once(door.admit(PROMPT))

    asyncio.run(scenario())


def test_a_prompt_that_was_stopped_half_way_teaches_nothing(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", usd=9.0)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        await pay(budget, first, 0.001)
        door.ended(first, finished=False)
        assert not costs.ratios

    asyncio.run(scenario())


def test_the_next_start_knows_what_prompts_of_the_last_one_cost(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def first_start() -> Claim:
        budget = Budget(tmp_path / "spending", usd=5.0)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        await pay(budget, first, 2.0, reserved=2.5)
        door.ended(first, finished=True)
        return await door.admit(PROMPT)

    async def next_start(usd: float) -> Claim:
        again = PromptCosts(tmp_path / "prompt-costs", prices="now")
        budget = Budget(tmp_path / "spending", usd=usd)
        return await admission(budget, again).admit(PROMPT)

    refusal = asyncio.run(first_start()).refusal
    assert "$3.000000 of budget.usd is left" in str(refusal)
    assert "Raise budget.usd and" in str(refusal)
    assert "up to $4.500000" in str(refusal)
    assert str(asyncio.run(next_start(5.0)).refusal) == str(refusal)
    assert asyncio.run(next_start(6.5)).refusal is None  # less than the most that it could cost


@pytest.mark.parametrize(
    "content",
    [b"", b"[12, 0.5", b'["now", 1e999, 1]', b"[12, 0.5]", b"{}", b'["x"]', b"7", b"\xff\x00"],
)
def test_where_the_file_of_costs_cannot_be_read_nothing_is_known(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "prompt-costs").write_bytes(content)
    costs = PromptCosts(tmp_path / "prompt-costs", prices="now")
    assert (list(costs.ratios), costs.largest_pico) == ([], 0)


def test_the_last_prompts_are_remembered(tmp_path: Path, costs: PromptCosts) -> None:
    for number in range(40):
        costs.add(1e6 + number + 1 / 3, largest_pico=10**18 + number)
    again = PromptCosts(tmp_path / "prompt-costs", prices="now")
    assert list(again.ratios) == pytest.approx([1e6 + n + 1 / 3 for n in range(8, 40)])
    assert again.largest_pico == 10**18 + 39


def test_a_reservation_at_other_prices_says_nothing(tmp_path: Path, costs: PromptCosts) -> None:
    costs.add(0.5, largest_pico=10**15)
    corrected = PromptCosts(tmp_path / "prompt-costs", prices="corrected")
    assert (list(corrected.ratios), corrected.largest_pico) == ([0.5], 0)


def test_room_for_the_largest_single_call_stays_free(tmp_path: Path, costs: PromptCosts) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", usd=5.0)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        await pay(budget, first, 1.0, reserved=3.5)
        door.ended(first, finished=True)
        second = await door.admit(PROMPT)
        assert "$4.000000 of budget.usd is left" in str(second.refusal)
        assert "up to $4.500000" in str(second.refusal)

    asyncio.run(scenario())


def test_the_next_prompt_waits_for_one_under_way_and_is_then_looked_at_again(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", max_calls=3)
        door = admission(budget, costs)
        first = await door.admit(PROMPT)
        waiting = asyncio.create_task(door.admit(PROMPT))
        await every_turn()
        assert not waiting.done()
        await pay(budget, first, 0.0)
        door.ended(first, finished=True)
        assert (await asyncio.wait_for(waiting, 30)).refusal is None

    asyncio.run(scenario())


def test_nobody_waits_once_the_run_is_to_end(tmp_path: Path, costs: PromptCosts) -> None:
    async def scenario() -> None:
        door = admission(Budget(tmp_path / "spending", max_calls=3), costs)
        await door.admit(PROMPT)
        waiting = asyncio.create_task(door.admit(PROMPT))
        await every_turn()
        door.stop()
        await asyncio.wait_for(waiting, 30)

    asyncio.run(scenario())


def test_a_prompt_that_does_not_fit_alone_may_use_stored_replies_only(
    tmp_path: Path, costs: PromptCosts
) -> None:
    async def scenario() -> None:
        budget = Budget(tmp_path / "spending", max_calls=1)
        claim = await admission(budget, costs).admit(PROMPT)
        assert "Raise budget.max_calls and" in str(claim.refusal)
        assert not claim.refusal.of_day
        with claiming(claim), pytest.raises(BudgetExhaustedError, match="not begun"):
            await budget.reserve(0)

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("budget", [{"usd": 0.06}, {"usd": 0.11}, {"max_calls": 77}], ids=str)
def test_a_run_whose_budget_ends_leaves_no_prompt_half_judged(
    tmp_path: Path, server: LocalServer, out: Path, budget: dict[str, float]
) -> None:
    server.behaviour.latency_s = 0.01
    config = write_config(tmp_path, server, prompts=60, budget=budget)
    result = run(config, out)
    assert result.exit_code == 3
    begun = {
        f"p{re.search(rb'fact number ([0-9]+)', call.raw)[1].decode()}" for call in server.calls()
    }
    finished = {
        row["prompt_id"] for name in ("pairs", "skips") for row in rows(out / f"{name}.jsonl")
    }
    assert begun == finished
    assert len(finished) == result.manifest["totals"]["prompts"] > 5
    if "usd" in budget:
        assert budget["usd"] * 0.75 < server.billed_usd({"small": PRICE}) <= budget["usd"]
    else:
        assert len(server.calls()) == 72
    # The same command again, as a timer gives it every night, knows it too.
    sent = len(server.calls())
    assert run(config, out).exit_code == 3
    assert len(server.calls()) == sent


def test_prompts_whose_replies_are_stored_are_finished_with_no_money_at_all(
    tmp_path: Path, server: LocalServer, out: Path
) -> None:
    config = write_config(tmp_path, server, prompts=5)
    run(config, out)
    again = run(config, tmp_path / "again", budget_usd=0.0)
    assert again.exit_code == 0
    assert again.manifest["totals"]["pairs"] == 5
