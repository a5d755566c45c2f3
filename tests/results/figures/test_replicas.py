"""How the servers of a model did, by lines of the log."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.figures.replicas import ReplicaFigures
from judgeforge.store.manifest import ReplicaTotals


def at(second: int, event: str, **fields: Any) -> dict[str, Any]:
    return {"time": f"2026-11-26T20:00:{second:02}.000000Z", "event": event, **fields}


def call(second: int, replica: str = "b", **fields: Any) -> dict[str, Any]:
    fields = {"attempt": 1, "outcome": "stop", "output_tokens": 5, **fields}
    return at(second, "call", model="m", replica=replica, **fields)


def failed(second: int, **fields: Any) -> dict[str, Any]:
    fields = {"outcome": "StatusError", "status": 500, "output_tokens": None, **fields}
    return call(second, **fields)


OPENED = {"model": "m", "replica": "b", "failure": "gone"}


def told(*rows: dict[str, Any]) -> dict[str, ReplicaTotals]:
    figures = ReplicaFigures()
    for row in rows:
        figures.add(row)
    return {one.address: one for one in figures.totals().get("m", ())}


def test_requests_replies_and_failures_are_those_of_each_server() -> None:
    found = told(call(1, "a"), call(2), failed(3), failed(4, replica="a", status=None))
    assert (found["a"].requests, found["a"].replies) == (2, 1)
    assert found["a"].failures == {"StatusError": 1}
    assert (found["b"].requests, found["b"].replies) == (2, 1)
    assert found["b"].failures == {"HTTP 500": 1}


@pytest.mark.parametrize(
    ("rows", "seconds", "is_out"),
    [
        ([at(9, "circuit_closed", model="m", replica="b")], 5, False),
        ([call(7)], 3, False),
        ([at(9, "other")], 5, True),
        ([call(6, "a"), at(30, "run_started"), at(40, "other")], 2, False),
    ],
    ids=["closed", "a reply ends it", "until the last line", "a kill ends it at the last line"],
)
def test_time_out_of_order(rows: list[dict[str, Any]], seconds: float, is_out: bool) -> None:
    found = told(failed(3), at(4, "circuit_opened", **OPENED), *rows)["b"]
    assert (found.outages, found.out_of_order_s, found.is_out_of_order) == (1, seconds, is_out)


def test_to_be_told_twice_changes_nothing() -> None:
    figures = ReplicaFigures()
    for row in (at(4, "circuit_opened", **OPENED), at(9, "other")):
        figures.add(row)
    assert figures.totals() == figures.totals()


def test_a_model_at_one_server_is_not_among_them() -> None:
    row = {**call(1), "replica": None}
    del row["replica"]
    assert told(row) == {}
