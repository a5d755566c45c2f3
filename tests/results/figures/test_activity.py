"""What a run is doing just now, by the end of its log."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from judgeforge.results.figures.activity import Activity, ModelActivity

NOW = datetime(2026, 10, 18, 12, 0, 0, tzinfo=UTC)
START = {"event": "run_started"}
REPLY = {"event": "call", "model": "small", "outcome": "ok", "output_tokens": 9, "latency_s": 0.5}
REFUSED = {
    **{"event": "call", "model": "small", "outcome": "refused", "status": 429},
    "error": "HTTP 429 from small",
}
OPENED, CLOSED = (
    {"event": f"circuit_{change}", "model": "small"} for change in ("opened", "closed")
)


def told(*events: tuple[float, dict[str, Any]]) -> Activity:
    """Seconds before now, and what happened then."""
    activity = Activity()
    for seconds, fields in events:
        activity.add({"time": (NOW - timedelta(seconds=seconds)).isoformat(), **fields})
    return activity


def small(activity: Activity) -> ModelActivity:
    (one,) = activity.models(NOW)
    return one


def test_the_rate_is_of_the_last_minute() -> None:
    one = small(told((600, START), *((second, REPLY) for second in range(300, 0, -1))))
    assert (one.calls, one.replies, one.per_minute) == (300, 300, 60.0)
    assert one.latency_s == 0.5


def test_a_run_that_has_just_begun_has_a_rate_of_the_time_it_had() -> None:
    assert (
        small(told((10, START), *((second, REPLY) for second in range(10, 0, -1)))).per_minute == 60
    )


def test_a_run_that_is_silent_has_no_rate() -> None:
    activity = told((600, START), (200, REPLY))
    assert small(activity).per_minute == 0
    assert activity.silent_s(NOW) == 200


def test_refusals_count_for_a_minute_and_failures_for_the_run() -> None:
    one = small(told((600, START), (300, REFUSED), (20, REFUSED), (10, REFUSED), (5, REPLY)))
    assert one.failures == {"HTTP 429": 3}
    assert one.refused_lately == 2


def test_a_model_is_out_of_order_until_its_circuit_closes() -> None:
    assert small(told((90, START), (60, REFUSED), (40, OPENED))).out_of_order_s == 40
    assert small(told((90, START), (60, REFUSED), (40, OPENED), (9, CLOSED))).out_of_order_s is None


def test_of_several_servers_those_that_are_out_of_order_are_named() -> None:
    at = {"replica": "http://b"}
    one = small(told((90, START), (60, OPENED | at), (40, OPENED | {"replica": "http://a"})))
    assert one.servers == ("http://a", "http://b")
    assert one.out_of_order_s == 60
    assert small(told((90, START), (60, OPENED | at), (9, CLOSED | at))).servers == ()


def test_a_new_start_begins_at_nothing() -> None:
    activity = told((90, START), (60, REFUSED), (50, OPENED), (40, START), (1, REPLY))
    assert activity.sees_start
    assert activity.errors() == ()
    assert (small(activity).calls, small(activity).out_of_order_s) == (1, None)


def test_the_reward_function_of_a_training_starts_as_a_run_does() -> None:
    opened = {"event": "reward_opened", "judged_before": 6}
    activity = told((90, opened), (80, REPLY), (60, opened), (50, REPLY))
    assert (small(activity).calls, activity.sees_start, activity.events) == (1, True, {})


def test_equal_errors_are_one_and_the_latest_comes_first() -> None:
    other = {**REFUSED, "error": "HTTP 500 from small", "status": 500}
    errors = told((90, START), (60, REFUSED), (50, other), (40, REFUSED)).errors()
    assert [(one.error, one.times) for one in errors] == [
        ("HTTP 429 from small", 2),
        ("HTTP 500 from small", 1),
    ]


def test_what_happens_besides_calls_is_counted() -> None:
    hedged = {"event": "hedged", "model": "small", "key": "k"}
    assert told((90, START), (9, hedged), (8, hedged)).events == {"hedged": 2}


@pytest.mark.parametrize(
    "row", [{}, {"time": "2026"}, {"time": None, "event": "call"}, {"event": 7}]
)
def test_lines_that_no_run_writes_are_passed_over(row: dict[str, Any]) -> None:
    activity = Activity()
    activity.add(row)
    assert activity.models(NOW) == ()


def test_it_stays_small_however_long_a_run_is() -> None:
    activity = Activity()
    for number in range(20_000):
        at = (NOW + timedelta(milliseconds=100 * number)).isoformat()
        activity.add({"time": at, **REFUSED, "error": f"HTTP 429 number {number}"})
    assert len(activity.errors()) <= 8
    kept = activity._models["small"]
    assert len(kept.ended) <= 601
    assert sys.getsizeof(kept.ended) < 20_000
