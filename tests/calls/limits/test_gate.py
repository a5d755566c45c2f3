"""The gate of a model, in simulated time: who may pass, in which order, and what waiting costs."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from asyncio_throttle.throttler import Throttler

from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import GivesWay, Slots, never
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, CircuitOpenError, NotConnectedError, StatusError
from tests.support.no_log import NoLog
from tests.support.simulated_time import now, simulated

SIZE = RequestSize(100, 100)
DOWN = NotConnectedError("refused")


def gate(
    slots: Slots, *, failures: int = 3, account: ProviderAccount | None = None, **settings: Any
) -> ModelGate:
    """``settings``: of the model."""
    model = ModelConfig.model_validate({"provider": "openai", "model": "small", **settings})
    limits = LimitsConfig(breaker_failures=failures)
    shared = account or ProviderAccount()
    return ModelGate("small", model, limits, account=shared, all_slots=slots, log=NoLog())


async def ask(
    gate: ModelGate,
    *,
    error: CallError | None = None,
    seconds: float = 0.0,
    gives_way: GivesWay = never,
) -> None:
    """One request that takes so long and ends so."""
    passage = await gate.enter(SIZE, gives_way=gives_way)
    try:
        await asyncio.sleep(seconds)
    finally:
        gate.leave(passage, error=error)


def hasty(gate: ModelGate) -> asyncio.Task[None]:
    """A request that would rather fail than wait for the circuit."""
    return asyncio.create_task(ask(gate, gives_way=lambda: True))


async def ends_of(*tasks: asyncio.Task[None]) -> list[type | None]:
    """The class of the error with which each ended; None where it got through."""
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    return [None if end is None else type(end) for end in ends]


async def settled() -> None:
    """Until everything that can go on has gone on, at this very moment."""
    for _ in range(20):
        await asyncio.sleep(0)


def free_slots(slots: Slots) -> int:
    free = 0
    while slots.take():
        free += 1
    return free


ceilings = pytest.mark.parametrize("ceiling", [{}, {"tpm": 10**6}], ids=["free", "ceiling"])


def test_no_more_than_the_limit_are_in_flight() -> None:
    async def scenario() -> tuple[int, float]:
        limited, most, begun = gate(Slots(100), concurrency=3), 0, now()

        async def one() -> None:
            nonlocal most
            passage = await limited.enter(SIZE, gives_way=never)
            most = max(most, limited.in_flight)
            await asyncio.sleep(1.0)
            limited.leave(passage)

        await asyncio.gather(*(one() for _ in range(21)))
        return most, now() - begun

    assert simulated(scenario()) == (3, pytest.approx(7.0))


def test_a_model_that_must_wait_for_its_ceiling_holds_no_slot_of_the_others() -> None:
    async def scenario() -> float:
        slots = Slots(1)
        slow, fast = gate(slots, rpm=60), gate(slots)
        queue = [asyncio.create_task(ask(slow)) for _ in range(30)]
        await asyncio.sleep(0.1)
        begun = now()
        await asyncio.gather(*(ask(fast) for _ in range(50)))
        elapsed = now() - begun
        for task in queue:
            task.cancel()
        return elapsed

    assert simulated(scenario()) == 0


def test_thousands_that_wait_for_the_ceiling_cost_no_more_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """asyncio-throttle polls: a thousand pollers would burn half a core or more."""
    polls, flush = 0, Throttler.flush

    def count(throttler: Throttler) -> None:
        nonlocal polls
        polls += 1
        flush(throttler)

    monkeypatch.setattr(Throttler, "flush", count)

    async def scenario() -> None:
        limited = gate(Slots(5000), rpm=600)
        waiting = [asyncio.create_task(ask(limited)) for _ in range(3000)]
        await asyncio.sleep(1.0)
        for task in waiting:
            task.cancel()

    simulated(scenario())
    assert 10 <= polls <= 1100  # once a millisecond


def test_models_take_turns_at_the_slots_however_long_their_queues_are() -> None:
    async def scenario() -> list[str]:
        slots, order = Slots(1), []
        gates = {"long": gate(slots), "short": gate(slots)}

        async def one(name: str) -> None:
            passage = await gates[name].enter(SIZE, gives_way=never)
            order.append(name)
            await asyncio.sleep(0)
            gates[name].leave(passage)

        await asyncio.gather(*(one(n) for n in ["long"] * 40 + ["short"] * 5))
        return order

    assert simulated(scenario())[:12].count("short") == 5


def test_while_the_circuit_is_open_one_probe_at_a_time_passes() -> None:
    async def scenario() -> list[float]:
        broken = gate(Slots(100), failures=1)
        await ask(broken, error=DOWN)
        begun, sent = now(), []

        async def one() -> None:
            passage = await broken.enter(SIZE, gives_way=never)
            sent.append(now() - begun)
            await asyncio.sleep(0.1)
            broken.leave(passage)

        await asyncio.gather(*(one() for _ in range(5)))
        return sent

    probe, *others = simulated(scenario())
    assert probe == pytest.approx(0.5)
    assert others == [pytest.approx(0.6)] * 4  # the answer of the probe closed it


def test_who_gives_way_fails_at_once_also_from_the_queue() -> None:
    async def scenario() -> tuple[list[type | None], float, int]:
        slots = Slots(1)
        broken = gate(slots, failures=1)
        first = await broken.enter(SIZE, gives_way=never)
        waiting = [hasty(broken) for _ in range(5)]
        await settled()
        begun = now()
        broken.leave(first, error=DOWN)
        return await ends_of(*waiting), now() - begun, free_slots(slots)

    assert simulated(scenario()) == ([CircuitOpenError] * 5, 0, 1)


def test_a_model_that_was_out_of_order_for_too_long_stops_the_run() -> None:
    async def fail_for_ever() -> None:
        broken = gate(Slots(1), failures=1)
        while True:
            await ask(broken, error=DOWN)

    with pytest.raises(CircuitOpenError, match=r"limits\.stall_s\. Last: refused") as caught:
        simulated(fail_for_ever())
    assert caught.value.stops_run


def test_a_model_that_nobody_asked_for_long_is_asked_before_the_run_stops_for_it() -> None:
    """The process stood still, or did something else: that says nothing of the model."""

    async def scenario() -> bool:
        broken = gate(Slots(1), failures=1)
        await ask(broken, error=DOWN)
        await asyncio.sleep(3600)
        await ask(broken, error=DOWN)
        await ask(broken)
        return broken.is_out_of_order

    assert simulated(scenario()) is False


@ceilings
def test_who_gives_way_does_not_wait_behind_those_that_do_not(ceiling: dict[str, int]) -> None:
    async def scenario() -> tuple[list[type | None], float, list[type | None], int, int]:
        broken = gate(Slots(10), concurrency=1, failures=1, **ceiling)
        first = await broken.enter(SIZE, gives_way=never)
        patient = [asyncio.create_task(ask(broken)) for _ in range(3)]
        await asyncio.sleep(0)
        queued = hasty(broken)
        await settled()
        begun = now()
        broken.leave(first, error=DOWN)
        sent_away = await ends_of(queued, hasty(broken))
        after_s = now() - begun
        return sent_away, after_s, await ends_of(*patient), broken.in_flight, broken.waiting

    assert simulated(scenario()) == ([CircuitOpenError] * 2, 0, [None] * 3, 0, 0)


@ceilings
def test_who_is_cancelled_when_the_circuit_opens_is_cancelled(ceiling: dict[str, int]) -> None:
    """Told that the model is out of order, it would ask the fallback, for nobody."""

    async def scenario() -> tuple[list[type | None], int, int]:
        broken = gate(Slots(10), concurrency=1, failures=1, **ceiling)
        first = await broken.enter(SIZE, gives_way=never)
        waiting = [hasty(broken) for _ in range(2)]
        await settled()
        broken.leave(first, error=DOWN)
        for task in waiting:
            task.cancel()
        return await ends_of(*waiting), broken.in_flight, broken.waiting

    assert simulated(scenario()) == ([asyncio.CancelledError] * 2, 0, 0)


class TestAHedge:
    def test_passes_at_once_or_takes_nothing(self) -> None:
        async def scenario() -> tuple[int, float, float, int, int]:
            slots = Slots(2)
            limited = gate(slots, tpm=60 * 200)  # one such request a second
            begun = now()
            entered = [await limited.try_enter(SIZE) for _ in range(8)]
            passed = [passage for passage in entered if passage is not None]
            tried_s = now() - begun
            for passage in passed:
                limited.leave(passage)
            await ask(limited)
            return len(passed), tried_s, now() - begun, free_slots(slots), limited.in_flight

        # The third is admitted as after two requests: the six others took nothing.
        assert simulated(scenario()) == (2, 0, pytest.approx(1.0), 2, 0)

    @pytest.mark.parametrize("rpm", [None, 60])
    def test_does_not_pass_those_that_wait(self, rpm: int | None) -> None:
        async def scenario() -> tuple[Any, int]:
            slots = Slots(3)
            limited = gate(slots, rpm=rpm, concurrency=64 if rpm else 1)
            waiting = [asyncio.create_task(ask(limited, seconds=9.0)) for _ in range(3)]
            await asyncio.sleep(0.5)
            passage = await limited.try_enter(SIZE)
            free = free_slots(slots)
            for task in waiting:
                task.cancel()
            return passage, free

        assert simulated(scenario()) == (None, 2)

    def test_that_is_cancelled_while_it_tries_takes_nothing(self) -> None:
        async def scenario() -> tuple[bool, int, int]:
            slots = Slots(2)
            limited = gate(slots, rpm=60)
            await ask(limited)
            trying = asyncio.create_task(limited.try_enter(SIZE))
            await asyncio.sleep(0)
            trying.cancel()
            await asyncio.wait([trying])
            return trying.cancelled(), free_slots(slots), limited.in_flight

        assert simulated(scenario()) == (True, 2, 0)


class TestWhatIsAskedFirst:
    """Past all that waits, to learn whether the model answers."""

    def test_takes_the_next_place_before_all_others(self) -> None:
        async def scenario() -> tuple[list[float], list[float], int]:
            slots, begun = Slots(2), now()
            busy, other = gate(slots, concurrency=1), gate(slots)
            ends: list[list[float]] = [[], []]

            async def timed(one: ModelGate) -> None:
                await ask(one, seconds=3.0)
                ends[0].append(now() - begun)

            async def first() -> None:
                passage = await busy.enter_first(SIZE)
                ends[1].append(now() - begun)
                busy.leave(passage)

            waiting = [asyncio.create_task(timed(one)) for one in (busy, other) * 3]
            await asyncio.sleep(0.5)
            given_up = asyncio.create_task(first())
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.gather(first(), *waiting)
            return ends[0], ends[1], free_slots(slots)

        assert simulated(scenario()) == ([3.0, 3.0, 6.0, 6.0, 9.0, 12.0], [3.0], 2)

    def test_waits_for_the_ceiling_and_gives_it_back_where_it_is_given_up(self) -> None:
        async def scenario() -> tuple[float, float]:
            slots, begun = Slots(1), now()
            limited = gate(slots, tpm=60 * 200)  # one such request a second
            passages = [await limited.try_enter(SIZE)]
            given_up = asyncio.create_task(limited.enter_first(SIZE))
            await settled()
            given_up.cancel()
            await settled()
            limited.leave(passages[0])  # type: ignore[arg-type]
            limited.leave(await limited.enter_first(SIZE))
            first = now() - begun
            limited.leave(await limited.enter_first(SIZE))
            return first, now() - begun

        assert simulated(scenario()) == (0.0, pytest.approx(1.0))


def test_who_is_sent_away_takes_nothing_from_the_ceiling() -> None:
    async def scenario() -> float:
        busy = gate(Slots(10), concurrency=1, tpm=60 * 200)
        first = await busy.enter(SIZE, gives_way=never)
        waiting = [asyncio.create_task(ask(busy)) for _ in range(5)]
        await settled()
        for task in waiting:
            task.cancel()
            await settled()
        busy.leave(first)
        begun = now()
        await ask(busy)
        return now() - begun

    assert simulated(scenario()) == 0


def test_tokens_that_a_request_did_not_use_make_room_for_the_next() -> None:
    async def scenario() -> float:
        limited, begun = gate(Slots(10), tpm=60 * 200), now()
        for _ in range(9):
            passage = await limited.enter(SIZE, gives_way=never)
            limited.used(passage, 20)
            limited.leave(passage)
        return now() - begun

    assert simulated(scenario()) == 0  # 180 tokens of the 200 that a second admits


def test_a_refusal_of_the_whole_account_pauses_its_other_models() -> None:
    said = "HTTP 429 from small: Number of requests has exceeded your account's limit"
    refusal = StatusError(said, status=429, retry_after_s=0.5, retryable=True)

    async def scenario() -> float:
        account, slots = ProviderAccount(), Slots(10)
        one, other = gate(slots, account=account), gate(slots, account=account)
        await ask(one, error=refusal)
        begun = now()
        await ask(other)
        return now() - begun

    assert simulated(scenario()) == pytest.approx(0.5)


@pytest.mark.parametrize("number", [400, 404, 422])
def test_requests_that_are_wrong_themselves_do_not_open_the_circuit(number: int) -> None:
    async def scenario() -> bool:
        fine = gate(Slots(10), failures=1)
        await ask(fine, error=StatusError("no", status=number))
        return fine.is_out_of_order

    assert not simulated(scenario())


def test_a_cancelled_probe_lets_the_next_one_pass() -> None:
    async def scenario() -> tuple[float, bool]:
        broken = gate(Slots(10), failures=1)
        await ask(broken, error=DOWN)
        passage = await broken.enter(SIZE, gives_way=never)
        begun = now()
        broken.leave(passage, abandoned=True)
        await ask(broken)
        return now() - begun, broken.is_out_of_order

    assert simulated(scenario()) == (0, False)


def test_a_slot_that_one_model_cannot_use_goes_to_the_other() -> None:
    async def scenario() -> bool:
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

    assert simulated(scenario())


@ceilings
def test_cancelling_at_any_moment_loses_no_slot(ceiling: dict[str, int]) -> None:
    async def scenario() -> tuple[int, list[int]]:
        slots, chance = Slots(3), random.Random(3)
        gates = [gate(slots, concurrency=2), gate(slots, **ceiling)]
        tasks = [
            asyncio.create_task(ask(gates[n % 2], seconds=chance.random() / 500))
            for n in range(200)
        ]
        for _ in range(100):
            await asyncio.sleep(0.0005)
            chance.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return free_slots(slots), [one.in_flight for one in gates]

    assert simulated(scenario()) == (3, [0, 0])
