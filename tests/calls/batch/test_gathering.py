"""How requests are gathered: full, quiet, and within the limits of a batch."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.batch.gathering import BatchLimits, Gathered, Gathering
from judgeforge.calls.call import make_call
from judgeforge.config.batch import BatchConfig
from judgeforge.config.providers import PROVIDERS

LIMITS = BatchLimits(requests=5, size=100_000, tokens=None)


def gathered(number: int, *, text: str = "x") -> Gathered:
    call = make_call(
        model_name="m",
        provider="openai",
        base_url="http://localhost",
        endpoint="/chat/completions",
        body={"text": text * number},
        sample=number,
    )
    return Gathered(call, asyncio.Future(loop=asyncio.new_event_loop()))


def gathering(*sizes: int, limits: BatchLimits = LIMITS) -> Gathering:
    found = Gathering(limits, quiet_s=5.0)
    for number in sizes:
        found.add(gathered(number), now=10.0)
    return found


def test_it_is_quiet_once_nothing_has_come_for_a_while() -> None:
    one = gathering(1)
    assert one.quiet_in_s(10.0) == 5.0
    assert one.quiet_in_s(15.0) == 0.0
    one.add(gathered(2), now=14.0)
    assert one.quiet_in_s(15.0) == 4.0


def test_it_is_full_by_the_number_or_by_the_size_of_its_requests() -> None:
    assert not gathering(1, 2, 3, 4).is_full
    assert gathering(1, 2, 3, 4, 5).is_full
    assert gathering(1, 2, limits=replace(LIMITS, size=600)).is_full


def test_what_is_dropped_is_no_longer_counted() -> None:
    one = gathering(1, 2, 3, 4, 5)
    for each in list(one):
        one.drop(each.call.key)
        one.drop(each.call.key)
    assert len(one) == 0
    assert not one.is_full


def test_a_batch_holds_the_first_that_fit_into_every_limit() -> None:
    one = gathering(1, 2, 3, 4, 5, 6, 7)
    assert [each.call.body["text"] for each in one.first(None)] == ["x" * n for n in range(1, 6)]
    tokens = next(iter(one)).tokens
    assert len(one.first(2 * tokens + 2)) == 2


def test_one_request_that_no_limit_allows_goes_alone() -> None:
    assert len(gathering(4, 5, limits=replace(LIMITS, size=1)).first(0)) == 1


def test_other_scripts_count_as_json_may_write_them() -> None:
    assert gathered(10, text="ж").size > 6 * 10
    assert gathered(10, text="ж").size > gathered(10, text="x").size


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(200, 3000), st.integers(1, 9))
def test_no_batch_is_above_a_limit_and_no_request_is_forgotten(
    sizes: list[int], most: int, requests: int
) -> None:
    limits = BatchLimits(requests=requests, size=most, tokens=None)
    one = gathering(*sizes, limits=limits)
    wanted, sent = {each.call.key for each in one}, set[str]()
    while len(one):
        batch = one.first(None)
        assert len(batch) <= requests
        assert len(batch) == 1 or sum(each.size for each in batch) <= most
        for each in batch:
            sent.add(each.call.key)
            one.drop(each.call.key)
    assert sent == wanted


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_what_the_provider_takes_is_never_exceeded(provider: str) -> None:
    facts = PROVIDERS[provider].batches
    usual = BatchLimits.of(BatchConfig(), facts)
    assert facts is not None
    assert (usual.requests, usual.size) == (facts.most_requests, facts.most_bytes)
    asked = BatchLimits.of(BatchConfig(max_requests=100_000, max_mb=9_999), facts)
    assert (asked.requests, asked.size) == (facts.most_requests, facts.most_bytes)
    assert BatchLimits.of(BatchConfig(max_requests=7, max_mb=0.5), facts).size == 500_000
