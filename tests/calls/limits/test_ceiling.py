"""How fast a model is asked where the configuration says so, in simulated time."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from judgeforge.calls.limits.ceiling import Ceiling, TokenBucket
from tests.support.simulated_time import now, simulated


def test_requests_a_minute_are_a_ceiling_that_is_used() -> None:
    async def scenario() -> float:
        ceiling, begun = Ceiling(requests_per_minute=6000), now()
        for _ in range(80):
            await ceiling.admit(1)
        return now() - begun

    assert 0.6 <= simulated(scenario()) <= 1.0


def test_requests_are_spread_over_the_minute() -> None:
    async def scenario() -> list[float]:
        ceiling, begun, admitted = Ceiling(requests_per_minute=600), now(), []
        for _ in range(20):
            await ceiling.admit(1)
            admitted.append(now() - begun)
        return admitted

    admitted = simulated(scenario())
    gaps = [later - earlier for earlier, later in pairwise(admitted)]
    assert min(gaps) >= 0.1
    assert max(gaps) <= 0.11


def test_a_large_request_is_paid_off_before_the_next_one_starts() -> None:
    bucket = TokenBucket(per_minute=60_000)
    assert bucket.wait_s(5.0) == 0
    bucket.take(1500, 5.0)
    assert bucket.wait_s(5.0) == pytest.approx(0.5)
    assert bucket.wait_s(5.5) == 0


def test_who_waits_for_tokens_is_admitted_when_they_are_paid_off() -> None:
    async def scenario() -> float:
        ceiling, begun = Ceiling(tokens_per_minute=60_000), now()
        for _ in range(3):
            await ceiling.admit(1500)
        return now() - begun

    assert simulated(scenario()) == pytest.approx(2.0)


def test_tokens_that_were_not_used_are_given_back() -> None:
    async def scenario() -> float:
        ceiling, begun = Ceiling(tokens_per_minute=60_000), now()
        await ceiling.admit(5000)
        ceiling.give_back(4900)
        await ceiling.admit(10)
        return now() - begun

    assert simulated(scenario()) == 0


@pytest.mark.parametrize(
    "limits", [{"requests_per_minute": 60}, {"tokens_per_minute": 60_000}], ids=["rpm", "tpm"]
)
def test_who_cannot_wait_is_admitted_at_once_or_takes_nothing(limits: dict[str, float]) -> None:
    async def scenario() -> tuple[list[bool], float, float]:
        ceiling, begun = Ceiling(**limits), now()
        answers = [await ceiling.try_admit(2000) for _ in range(3)]
        answered_after_s = now() - begun
        await ceiling.admit(1)
        return answers, answered_after_s, now() - begun

    answers, answered_after_s, wait_s = simulated(scenario())
    assert answers == [True, False, False]
    assert answered_after_s == 0
    assert 1.0 <= wait_s <= 1.1  # as after one request, not after three


def test_who_stops_waiting_takes_no_tokens() -> None:
    async def scenario() -> float:
        ceiling, begun = Ceiling(tokens_per_minute=60_000), now()
        await ceiling.admit(1200)
        waiting = asyncio.create_task(ceiling.admit(60_000))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await ceiling.admit(10)
        return now() - begun

    assert simulated(scenario()) == pytest.approx(0.2)


def test_an_order_to_stop_is_not_taken_for_a_lack_of_room() -> None:
    async def scenario() -> list[BaseException | bool]:
        ceiling = Ceiling(requests_per_minute=60)
        await ceiling.admit(1)
        trying = asyncio.create_task(ceiling.try_admit(1))
        await asyncio.sleep(0)
        trying.cancel()
        return await asyncio.gather(trying, return_exceptions=True)

    assert isinstance(simulated(scenario())[0], asyncio.CancelledError)
