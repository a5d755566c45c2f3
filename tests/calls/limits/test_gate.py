"""The gate of a model: who may pass, in which order, and what waiting costs the others."""

import asyncio
import random
import time

import pytest

from judgeforge.calls.limits.buckets import Account
from judgeforge.calls.limits.ceiling import ModelThrottle
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots, never
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CircuitOpenError, NotConnectedError, StatusError

SIZE = RequestSize(100, 100)


class NoLog:
    def event(self, name, **fields):
        pass


def gate(slots, *, name="small", concurrency=64, failures=3, account=None, **ceiling):
    return ModelGate(
        name,
        ModelConfig(provider="openai", model=name, concurrency=concurrency),
        LimitsConfig(breaker_failures=failures),
        ceiling=ModelThrottle(**ceiling),
        account=account or Account(),
        all_slots=slots,
        log=NoLog(),
    )


async def ask(one, *, error=None, seconds=0.0, gives_way=never):
    passage = await one.enter(SIZE, gives_way=gives_way)
    try:
        await asyncio.sleep(seconds)
    finally:
        one.leave(passage, error=error)


def test_no_more_than_the_limit_are_in_flight():
    async def scenario():
        limited, most = gate(Slots(100), concurrency=3), 0

        async def one():
            nonlocal most
            passage = await limited.enter(SIZE, gives_way=never)
            most = max(most, limited.in_flight)
            await asyncio.sleep(0.001)
            limited.leave(passage)

        await asyncio.gather(*(one() for _ in range(20)))
        return most

    assert asyncio.run(scenario()) == 3


def test_a_model_that_must_wait_for_its_ceiling_holds_no_slot_of_the_others():
    async def scenario():
        slots = Slots(1)
        slow, fast = gate(slots, requests_per_minute=60), gate(slots)
        queue = [asyncio.create_task(ask(slow)) for _ in range(30)]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await asyncio.gather(*(ask(fast) for _ in range(50)))
        elapsed = time.monotonic() - begun
        for task in queue:
            task.cancel()
        return elapsed

    assert asyncio.run(scenario()) < 0.9


def test_models_take_turns_at_the_slots_however_long_their_queues_are():
    async def scenario():
        slots, order = Slots(1), []
        gates = {"long": gate(slots), "short": gate(slots)}

        async def one(name):
            passage = await gates[name].enter(SIZE, gives_way=never)
            order.append(name)
            await asyncio.sleep(0)
            gates[name].leave(passage)

        await asyncio.gather(*(one(n) for n in ["long"] * 40 + ["short"] * 5))
        return order

    assert asyncio.run(scenario())[:12].count("short") == 5


def test_while_the_circuit_is_open_one_probe_at_a_time_passes():
    async def scenario():
        broken = gate(Slots(100), failures=1)
        await ask(broken, error=NotConnectedError("refused"))
        begun = time.monotonic()
        sent = []

        async def one():
            passage = await broken.enter(SIZE, gives_way=never)
            sent.append(time.monotonic() - begun)
            await asyncio.sleep(0.1)
            broken.leave(passage)

        await asyncio.gather(*(one() for _ in range(5)))
        return sent

    probe, *others = asyncio.run(scenario())
    assert probe >= 0.45
    assert min(others) >= probe + 0.09  # the answer of the probe closed it
    assert max(others) - min(others) < 0.5


def test_who_gives_way_fails_at_once_also_from_the_queue():
    async def scenario():
        slots = Slots(1)
        broken = gate(slots, failures=1)
        first = await broken.enter(SIZE, gives_way=never)
        waiting = [asyncio.create_task(ask(broken, gives_way=lambda: True)) for _ in range(5)]
        await asyncio.sleep(0.01)
        broken.leave(first, error=NotConnectedError("refused"))
        ends = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 0.4)
        return ends, slots.take()

    ends, is_free = asyncio.run(scenario())
    assert all(isinstance(end, CircuitOpenError) and not end.stops_run for end in ends)
    assert is_free


@pytest.mark.parametrize("ceiling", [{}, {"tokens_per_minute": 10**6}], ids=["free", "ceiling"])
def test_who_gives_way_does_not_wait_behind_those_that_do_not(ceiling):
    async def scenario():
        broken = gate(Slots(10), concurrency=1, failures=1, **ceiling)
        first = await broken.enter(SIZE, gives_way=never)
        patient = [asyncio.create_task(ask(broken)) for _ in range(3)]
        await asyncio.sleep(0)
        queued = asyncio.create_task(ask(broken, gives_way=lambda: True))
        await asyncio.sleep(0.01)
        broken.leave(first, error=NotConnectedError("refused"))
        late = asyncio.create_task(ask(broken, gives_way=lambda: True))
        ends = await asyncio.wait_for(asyncio.gather(queued, late, return_exceptions=True), 0.4)
        await asyncio.wait_for(asyncio.gather(*patient), 10)
        return ends, broken.in_flight, broken.waiting

    ends, *left = asyncio.run(scenario())
    assert [type(end) for end in ends] == [CircuitOpenError] * 2
    assert left == [0, 0]


@pytest.mark.parametrize("ceiling", [{}, {"tokens_per_minute": 10**6}], ids=["free", "ceiling"])
def test_who_is_cancelled_when_the_circuit_opens_is_cancelled(ceiling):
    """Told that the model is out of order, it would ask the fallback, for nobody."""

    async def scenario():
        broken = gate(Slots(10), concurrency=1, failures=1, **ceiling)
        first = await broken.enter(SIZE, gives_way=never)
        waiting = [asyncio.create_task(ask(broken, gives_way=lambda: True)) for _ in range(2)]
        await asyncio.sleep(0.01)
        broken.leave(first, error=NotConnectedError("refused"))
        for task in waiting:
            task.cancel()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        return ends, broken.in_flight, broken.waiting

    ends, *left = asyncio.run(scenario())
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 2
    assert left == [0, 0]


def test_a_hedge_passes_at_once_or_takes_nothing():
    async def scenario():
        slots = Slots(2)
        limited = gate(slots, tokens_per_minute=60 * 200)  # one such request a second
        entered = [limited.try_enter(SIZE) for _ in range(8)]
        passed = [passage for passage in entered if passage is not None]
        for passage in passed:
            limited.leave(passage)
        begun = time.monotonic()
        await ask(limited)
        free = 0
        while slots.take():
            free += 1
        return len(passed), time.monotonic() - begun, free, limited.in_flight

    passed, wait, *left = asyncio.run(scenario())
    assert passed == 2
    assert wait < 2.5  # as after two requests: the six others took nothing
    assert left == [2, 0]


def test_who_is_sent_away_takes_nothing_from_the_ceiling():
    async def scenario():
        broken = gate(Slots(10), concurrency=1, failures=1, tokens_per_minute=60 * 200)
        first = await broken.enter(SIZE, gives_way=never)
        waiting = [asyncio.create_task(ask(broken)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*waiting, return_exceptions=True)
        broken.leave(first)
        begun = time.monotonic()
        await ask(broken)
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 1


def test_a_refusal_of_the_whole_account_pauses_its_other_models():
    said = "HTTP 429 from a: Number of requests has exceeded your account's limit"
    refusal = StatusError(said, status=429, retry_after_s=0.5, retryable=True)

    async def scenario():
        account, slots = Account(), Slots(10)
        one, other = (gate(slots, name=n, account=account) for n in ("a", "b"))
        await ask(one, error=refusal)
        begun = time.monotonic()
        await ask(other)
        return time.monotonic() - begun

    assert asyncio.run(scenario()) >= 0.45


@pytest.mark.parametrize("number", [400, 404, 422])
def test_requests_that_are_wrong_themselves_do_not_open_the_circuit(number):
    async def scenario():
        fine = gate(Slots(10), failures=1)
        await ask(fine, error=StatusError("no", status=number))
        return fine.is_out_of_order

    assert not asyncio.run(scenario())


def test_a_cancelled_probe_lets_the_next_one_pass():
    async def scenario():
        broken = gate(Slots(10), failures=1)
        await ask(broken, error=NotConnectedError("refused"))
        passage = await broken.enter(SIZE, gives_way=never)
        broken.leave(passage, abandoned=True)
        await asyncio.wait_for(ask(broken), 1)
        return broken.is_out_of_order

    assert not asyncio.run(scenario())


def test_a_slot_that_one_model_cannot_use_goes_to_the_other():
    async def scenario():
        slots = Slots(1)
        one, other = gate(slots), gate(slots)
        held = await other.enter(SIZE, gives_way=never)
        gone = [asyncio.create_task(ask(one)) for _ in range(3)]
        left = asyncio.create_task(ask(other))
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.sleep(0)
        other.leave(held)
        await asyncio.wait_for(left, 1)
        return slots.take()

    assert asyncio.run(scenario())


def test_cancelling_at_any_moment_loses_no_slot():
    async def scenario():
        slots, chance = Slots(3), random.Random(3)
        gates = [gate(slots, concurrency=2), gate(slots)]
        tasks = [
            asyncio.create_task(ask(gates[n % 2], seconds=chance.random() / 500))
            for n in range(200)
        ]
        for _ in range(100):
            await asyncio.sleep(0.0005)
            chance.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        free = 0
        while slots.take():
            free += 1
        return free, [one.in_flight for one in gates]

    assert asyncio.run(scenario()) == (3, [0, 0])
