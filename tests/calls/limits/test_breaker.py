"""What the end of an attempt says about its model."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.calls.limits.breaker import CircuitBreaker, Outcome, outcome_of, refusal_of
from judgeforge.errors import (
    CallError,
    MalformedReplyError,
    NoReplyError,
    NotConnectedError,
    StatusError,
)


def status(code: int, said: str = "", **fields: Any) -> StatusError:
    return StatusError(f"HTTP {code} from small: {said}", status=code, retryable=True, **fields)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, Outcome.ANSWERED),
        (status(429), Outcome.REFUSED),
        (StatusError("no credit", status=429, stops_run=True), Outcome.ANSWERED),
        (status(529), Outcome.OVERLOADED),
        (status(503), Outcome.OVERLOADED),
        (status(498), Outcome.OVERLOADED),
        (NoReplyError("timed out"), Outcome.OVERLOADED),
        (status(500), Outcome.FAILED),
        (NotConnectedError("refused"), Outcome.FAILED),
        (MalformedReplyError("HTML"), Outcome.FAILED),
        (status(400), Outcome.ANSWERED),
    ],
    ids=str,
)
def test_what_an_error_says_about_the_model(error: CallError | None, outcome: Outcome) -> None:
    assert outcome_of(error) is outcome


OF_MODEL = "Rate limit reached for gpt-5.4-mini in organization org-1"


@pytest.mark.parametrize(
    ("said", "kind", "of_account"),
    [
        (f"{OF_MODEL} on requests per min (RPM)", "requests", False),
        (f"{OF_MODEL} on tokens per min (TPM)", "tokens", False),
        ("This would exceed your organization's limit of 40,000 input tokens", "tokens", True),
        ("Number of requests has exceeded your account's limit", "requests", True),
        ("Too many requests", "requests", False),
    ],
)
def test_what_a_refusal_speaks_of(said: str, kind: str, of_account: bool) -> None:
    refusal = refusal_of(status(429, said, retry_after_s=2.0), "small")
    assert (refusal.retry_after_s, refusal.kind, refusal.of_account) == (2.0, kind, of_account)


def test_a_probe_that_fails_after_another_request_was_answered_opens_nothing() -> None:
    breaker = CircuitBreaker(2)
    breaker.failed(0.0, "one", is_probe=False)
    assert breaker.failed(0.0, "two", is_probe=False)
    assert breaker.sent()
    assert breaker.succeeded()
    assert not breaker.failed(1.0, "late", is_probe=True)
    assert not breaker.is_open


def test_time_in_which_the_process_stood_still_does_not_count_as_out_of_order() -> None:
    breaker = CircuitBreaker(1, longest_s=10.0)
    breaker.failed(0.0, "down", is_probe=False)
    assert breaker.out_s == 0.0
    breaker.failed(8.5, "down", is_probe=True)  # a pause of half a second, and a slow probe
    assert breaker.out_s == 8.5
    breaker.failed(9000.0, "down", is_probe=True)
    assert breaker.out_s == 8.5 + 2 * 1.0 + 10.0
    breaker.succeeded()
    breaker.failed(9001.0, "down", is_probe=False)
    assert breaker.out_s == 0.0
