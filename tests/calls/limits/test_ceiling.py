"""How fast a model is asked."""

import asyncio
import time

import pytest

from judgeforge.calls.limits.ceiling import ModelThrottle, TokenBucket
from judgeforge.calls.providers.http import retry_after_s


def throttle(**limits):
    return ModelThrottle(**limits)


def test_requests_a_minute_are_a_ceiling_that_is_used():
    async def scenario():
        limited = throttle(requests_per_minute=6000)
        begun = time.monotonic()
        await asyncio.gather(*(limited.admit(1) for _ in range(80)))
        return time.monotonic() - begun

    elapsed = asyncio.run(scenario())
    assert 0.6 <= elapsed <= 2.0


def test_thousands_that_wait_cost_next_to_nothing():
    """asyncio-throttle polls: a thousand pollers would burn half a core or more."""

    async def scenario():
        limited = throttle(requests_per_minute=600)
        waiting = [asyncio.create_task(limited.admit(1)) for _ in range(3000)]
        await asyncio.sleep(0.2)
        begun, spent = time.monotonic(), time.process_time()
        await asyncio.sleep(1.0)
        share = (time.process_time() - spent) / (time.monotonic() - begun)
        for task in waiting:
            task.cancel()
        return share

    assert asyncio.run(scenario()) < 0.2


def test_a_large_request_is_paid_off_before_the_next_one_starts():
    async def scenario():
        bucket = TokenBucket(per_minute=60_000)
        begun = time.monotonic()
        await bucket.acquire(1500)
        first = time.monotonic() - begun
        await bucket.acquire(10)
        return first, time.monotonic() - begun

    first, second = asyncio.run(scenario())
    assert first < 0.1
    assert 0.4 <= second <= 1.0


def test_tokens_that_were_not_used_are_given_back():
    async def scenario():
        limited = throttle(tokens_per_minute=60_000)
        await limited.admit(5000)
        limited.give_back(4900)
        begun = time.monotonic()
        await limited.admit(10)
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 0.2


@pytest.mark.parametrize(
    "limits", [{"requests_per_minute": 60}, {"tokens_per_minute": 60_000}], ids=["rpm", "tpm"]
)
def test_who_cannot_wait_is_admitted_at_once_or_not_at_all(limits):
    async def scenario():
        limited = throttle(**limits)
        answers = [limited.try_admit(3000) for _ in range(3)]
        begun = time.monotonic()
        await limited.admit(1)
        return answers, time.monotonic() - begun

    answers, wait = asyncio.run(scenario())
    assert answers == [True, False, False]
    assert 0.8 <= wait <= 2.9  # as after one request, not after three


def test_nobody_passes_those_that_wait_for_the_ceiling():
    async def scenario():
        limited = throttle(requests_per_minute=600)
        waiting = [asyncio.create_task(limited.admit(1)) for _ in range(3)]
        await asyncio.sleep(0.15)  # the first waits again
        admitted = limited.try_admit(1)
        for task in waiting:
            task.cancel()
        return admitted

    assert not asyncio.run(scenario())


def test_who_stops_waiting_takes_no_tokens():
    async def scenario():
        limited = throttle(tokens_per_minute=60_000)
        await limited.admit(1200)
        waiting = asyncio.create_task(limited.admit(60_000))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        begun = time.monotonic()
        await limited.admit(10)
        return time.monotonic() - begun

    assert asyncio.run(scenario()) < 5


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "inf"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_or_ignored(headers, seconds):
    assert retry_after_s(headers) == seconds


def test_retry_after_may_be_a_date():
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    assert 25 < retry_after_s({"retry-after": later}) <= 30
