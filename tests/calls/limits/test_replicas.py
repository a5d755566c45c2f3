"""The gates of a model that several servers have: who gets which request, and who is left out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import pytest

from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.gate import ModelGate, Passage
from judgeforge.calls.limits.queues import Slots, never
from judgeforge.calls.limits.replicas import Replicas
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, CircuitOpenError, NotConnectedError, StatusError
from tests.support.no_log import NoLog
from tests.support.simulated_time import simulated

SIZE = RequestSize(100, 100)
Test = Callable[[], Coroutine[Any, Any, None]]


def in_simulated_time(test: Test) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        simulated(test())

    return run


PROMPTS = [f"p{number}" for number in range(300)]


def replicas(
    servers: int = 3, *, slots: int = 10_000, stall_s: float = 600, **own: object
) -> Replicas:
    model = ModelConfig.model_validate(
        {"provider": "openai", "model": "m", "concurrency": 64, **own}
    )
    limits, all_slots = LimitsConfig(breaker_failures=2, stall_s=stall_s), Slots(slots)
    gates = [
        ModelGate(
            "m",
            model,
            limits,
            account=ProviderAccount(),
            all_slots=all_slots,
            log=NoLog(),
            replica=f"http://host{number}/v1" if servers > 1 else None,
        )
        for number in range(servers)
    ]
    return Replicas("m", gates)


async def enter(several: Replicas, near: str = "p", *avoiding: ModelGate) -> Passage:
    async with asyncio.timeout(200):
        return await several.enter(SIZE, gives_way=never, near=near, avoiding=avoiding)


async def end(passage: Passage, error: CallError | None = None) -> None:
    passage.gate.leave(passage, error=error, headers={})


async def fail_for_ever(several: Replicas) -> None:
    while True:
        await end(await enter(several), NotConnectedError("gone"))


async def take_out(several: Replicas, *gates: ModelGate) -> None:
    others = [gate for gate in several.gates if gate not in gates]
    for gate in gates:
        for _ in range(2):
            passage = await enter(several, "p", *others, *(g for g in gates if g is not gate))
            assert passage.gate is gate
            await end(passage, NotConnectedError("gone"))
        assert gate.is_out_of_order


@in_simulated_time
async def test_all_requests_of_one_prompt_go_to_one_server() -> None:
    several = replicas()
    for prompt in PROMPTS[:20]:
        passages = [await enter(several, prompt) for _ in range(4)]
        assert len({passage.gate for passage in passages}) == 1
        for passage in passages:
            await end(passage)


@in_simulated_time
async def test_prompts_are_spread_over_all_of_them() -> None:
    several, found = replicas(), Counter[str | None]()
    for prompt in PROMPTS:
        passage = await enter(several, prompt)
        found[passage.gate.replica] += 1
        await end(passage)
    assert min(found.values()) > len(PROMPTS) / 5


@in_simulated_time
async def test_a_server_that_is_added_takes_only_its_own_share_of_prompts() -> None:
    places: list[dict[str, str | None]] = []
    for servers in (3, 4):
        several, of = replicas(servers), dict[str, str | None]()
        for prompt in PROMPTS:
            passage = await enter(several, prompt)
            of[prompt] = passage.gate.replica
            await end(passage)
        places.append(of)
    moved = [prompt for prompt in PROMPTS if places[0][prompt] != places[1][prompt]]
    assert {places[1][prompt] for prompt in moved} == {"http://host3/v1"}
    assert len(moved) < len(PROMPTS) / 2


@in_simulated_time
async def test_what_does_not_fit_into_one_server_spills_over_to_the_others() -> None:
    several = replicas(concurrency=4)
    passages = [await enter(several, "same") for _ in range(12)]
    assert Counter(passage.gate for passage in passages) == dict.fromkeys(several.gates, 4)


@in_simulated_time
async def test_what_waits_for_a_full_server_is_let_through_by_the_first_that_has_room() -> None:
    several = replicas(concurrency=4)
    passages = [await enter(several, "same") for _ in range(12)]
    waiting = asyncio.create_task(enter(several, "same"))
    await asyncio.sleep(0)
    other = next(one for one in passages if one.gate is not passages[0].gate)
    await end(other)
    assert (await waiting).gate is other.gate


@in_simulated_time
async def test_a_server_that_is_slow_does_not_come_to_hold_all_slots() -> None:
    """It never ends a request, the others end theirs at once."""
    several = replicas(concurrency=64, slots=48)
    slow = several.gates[0]
    for prompt in PROMPTS:
        passage = await enter(several, prompt)
        if passage.gate is not slow:
            await end(passage)
    assert slow.in_flight <= 12


@in_simulated_time
async def test_a_request_that_failed_at_one_server_goes_to_another() -> None:
    several = replicas()
    first = (await enter(several)).gate
    assert (await enter(several, "p", first)).gate is not first


@in_simulated_time
async def test_a_server_that_is_out_of_order_is_left_out_and_the_model_is_not_out_of_order() -> (
    None
):
    several = replicas()
    await take_out(several, several.gates[1])
    assert not several.is_out_of_order
    assert several.out_of_order == [several.gates[1]]
    found = {(await enter(several, prompt)).gate for prompt in PROMPTS[:30]}
    assert found == {several.gates[0], several.gates[2]}


@in_simulated_time
async def test_what_waits_at_a_server_that_fails_goes_on_elsewhere() -> None:
    several = replicas(2, concurrency=2)
    passages = [await enter(several, "p") for _ in range(4)]
    broken, other = passages[0].gate, passages[2].gate
    waiting = [asyncio.create_task(enter(several, "p")) for _ in range(4)]
    await asyncio.sleep(0)
    for passage in passages[:2]:
        await end(passage, NotConnectedError("gone"))
    assert broken.is_out_of_order
    for passage in passages[2:]:
        await end(passage)
    await asyncio.sleep(0.1)
    let_through = [one.result().gate for one in waiting if one.done()]
    assert let_through[1:] == [other, other]
    for one in waiting:
        one.cancel()


@in_simulated_time
async def test_a_probe_brings_it_back() -> None:
    several = replicas()
    await take_out(several, several.gates[1])
    await asyncio.sleep(1.0)
    passages = [await enter(several, prompt) for prompt in PROMPTS[:30]]
    (probe,) = (passage for passage in passages if passage.is_probe)
    assert probe.gate is several.gates[1]
    await end(probe)
    assert not several.out_of_order


@in_simulated_time
async def test_where_all_are_out_of_order_the_model_is_and_it_is_waited_for() -> None:
    several = replicas(2)
    await take_out(several, *several.gates)
    assert several.is_out_of_order
    with pytest.raises(CircuitOpenError) as raised:
        await several.enter(SIZE, gives_way=lambda: True)
    assert not raised.value.stops_run


@in_simulated_time
async def test_the_run_stops_only_when_all_have_been_out_of_order_for_too_long() -> None:
    several = replicas(2, stall_s=60)
    await take_out(several, several.gates[0])
    await asyncio.sleep(100)
    await take_out(several, several.gates[1])
    with pytest.raises(CircuitOpenError) as raised:
        await fail_for_ever(several)
    assert raised.value.stops_run
    assert "has been out of order for 6" in str(raised.value)


@in_simulated_time
async def test_a_server_without_the_model_counts_as_out_of_order_where_there_are_others() -> None:
    for servers, is_out in ((3, True), (1, False)):
        several = replicas(servers)
        gate = several.gates[0]
        for _ in range(2):
            passage = await enter(several, "p", *several.gates[1:])
            await end(passage, StatusError("no such model", status=404))
        assert gate.is_out_of_order == is_out


@in_simulated_time
async def test_limits_of_requests_a_minute_are_those_of_each_server() -> None:
    several, begun = replicas(rpm=60), asyncio.get_running_loop().time()
    passages = await asyncio.gather(*(enter(several, "p") for _ in range(30)))
    assert Counter(passage.gate for passage in passages) == dict.fromkeys(several.gates, 10)
    assert 8 <= asyncio.get_running_loop().time() - begun <= 12


@in_simulated_time
async def test_a_hedge_goes_to_another_server() -> None:
    several = replicas()
    first = await enter(several)
    hedge = await several.try_enter(SIZE, besides=first.gate)
    assert hedge is not None
    assert hedge.gate is not first.gate


@in_simulated_time
async def test_a_message_tells_how_requests_stand_at_each_server() -> None:
    several = replicas(2)
    passages = [await enter(several, "p") for _ in range(2)]
    await take_out(several, next(g for g in several.gates if g is not passages[0].gate))
    said = several.describe(2)
    assert said.startswith("2 calls of model `m`: ")
    assert f"{passages[0].gate.replica}: 2 in flight without a reply" in said
    assert "its circuit is open (last: gone)" in said
