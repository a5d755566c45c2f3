"""What a reply says of its tokens is used where it can be true, and never costs the reply."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgeforge.calls.providers.base import Usage
from judgeforge.calls.providers.replies import read_usage

COUNTS = st.none() | st.floats() | st.integers(-5, 50).map(float)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_whatever_is_said_it_is_a_usage_that_can_be_true_or_none(
    said: float | None,
    output: float | None,
    total: float | None,
    cached: float | None,
    written: float | None,
    reasoning: float | None,
) -> None:
    usage = read_usage(
        input_tokens=said,
        output_tokens=output,
        total_tokens=total,
        cached=cached,
        written=written,
        reasoning=reasoning,
    )
    if usage is None:
        return
    assert usage.input_tokens == said
    assert output is not None
    assert usage.output_tokens >= output >= 0
    assert 0 <= usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
    assert usage.reasoning_tokens >= 0


@pytest.mark.parametrize("broken", [-1.0, 0.5, math.nan, math.inf, 1e300])
@pytest.mark.parametrize("place", ["input_tokens", "output_tokens", "cached", "written"])
def test_a_number_that_cannot_be_true_makes_the_whole_unknown(place: str, broken: float) -> None:
    said = {"input_tokens": 9.0, "output_tokens": 3.0}
    assert read_usage(**said) == Usage(9, 3)
    assert read_usage(**said | {place: broken}) is None


@pytest.mark.parametrize("broken", [None, -1.0, math.nan])
def test_what_does_not_decide_the_price_may_be_wrong(broken: float | None) -> None:
    said = {"input_tokens": 9.0, "output_tokens": 3.0}
    assert read_usage(**said, reasoning=broken, total_tokens=broken) == Usage(9, 3)
