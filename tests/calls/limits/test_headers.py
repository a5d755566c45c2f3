"""What headers say about limits, as both APIs write it, and nothing where they make no sense."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.limits.headers import Allowance, read_allowances

NOW = 1_700_000_000.0  # 2023-11-14T22:13:20Z


def openai(**values: str) -> dict[str, str]:
    return {f"x-ratelimit-{name.replace('_', '-')}": value for name, value in values.items()}


def test_openai_s_headers() -> None:
    headers = openai(
        limit_requests="500",
        remaining_requests="499",
        reset_requests="120ms",
        limit_tokens="30000",
        remaining_tokens="0",
        reset_tokens="1m2.5s",
    )
    assert read_allowances(headers, unix_time=NOW) == (
        Allowance("requests", 499, 500, 0.12),
        Allowance("tokens", 0, 30000, 62.5),
    )


def test_anthropic_s_headers() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:50Z",
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-remaining": "7000",
    }
    assert read_allowances(headers, unix_time=NOW) == (
        # Times of whole seconds may be rounded down, so a second is added.
        Allowance("requests", 0, 50, 31.0),
        Allowance("output-tokens", 7000, 8000, None),
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6ms", 0.006), ("1s", 1), ("6m0s", 360), ("1h2m3s", 3723), ("2d", 172_800), ("7.5", 7.5)],
)
def test_resets(text: str, seconds: float) -> None:
    headers = openai(remaining_requests="1", reset_requests=text)
    (allowance,) = read_allowances(headers, unix_time=NOW)
    assert allowance.reset_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("9" * 8000, "1" * 8000 + "s", "1m" * 4000, "." * 8000, "9" * 5000, "1e400", "-1e400"),
        *("\u0661\u0662", "\u00b2", "0" * 8000, "1." * 4000, "9999-" * 2000),
    ],
)
def test_what_is_longer_or_larger_than_any_limit_counts_as_absent_at_once(text: str) -> None:
    begun = time.process_time()
    assert read_allowances(openai(remaining_requests=text), unix_time=NOW) == ()
    said = openai(remaining_requests="1", limit_requests=text, reset_requests=text)
    assert read_allowances(said, unix_time=NOW) == (Allowance("requests", 1, None, None),)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9" * 60 + "d"])
def test_times_far_away_are_numbers_too(text: str) -> None:
    headers = openai(remaining_requests="1", reset_requests=text)
    (allowance,) = read_allowances(headers, unix_time=NOW)
    assert allowance.reset_s is None or 0 <= allowance.reset_s < float("inf")


@pytest.mark.parametrize("text", ["", "soon", "-3", "nan", "inf", "1 week", "9999-99-99", "s"])
def test_what_makes_no_sense_counts_as_absent(text: str) -> None:
    assert read_allowances(openai(remaining_requests=text), unix_time=NOW) == ()
    headers = openai(remaining_requests="3", limit_requests=text, reset_requests=text)
    assert read_allowances(headers, unix_time=NOW) == (Allowance("requests", 3),)


@given(
    st.dictionaries(
        st.sampled_from(sorted(openai(remaining_tokens="", reset_tokens=""))), st.text()
    )
)
def test_no_header_can_stop_a_run(headers: dict[str, str]) -> None:
    for allowance in read_allowances(headers, unix_time=NOW):
        assert allowance.remaining >= 0
        assert allowance.reset_s is None or allowance.reset_s >= 0
