"""How many calls a start will make, told before they are made."""

from __future__ import annotations

from typing import cast

import pytest

from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.expected_calls import ExpectedCalls
from judgeforge.text.messages import Message

LEARNT_FROM = 64


class MoreForTheFirst:
    """Six calls for each prompt that judges are learnt from, four for each other."""

    def expected_calls(self, prompt: Prompt) -> float:
        return 6.0 if prompt.line <= LEARNT_FROM else 4.0


def told(*, read: int, of: int) -> int | None:
    """After this many rows of the input were read."""
    expected = ExpectedCalls(cast("Estimator", MoreForTheFirst()), of, learnt_from=LEARNT_FROM)
    said = (Message(role="user", content="q"),)
    rows = [Prompt(id=str(n), line=n, messages=said, digest="d") for n in range(1, read + 1)]
    assert list(expected.learning_from(enumerate(rows))) == list(enumerate(rows))
    return expected.number


@pytest.mark.parametrize(
    ("read", "of", "calls"),
    [
        (0, 20_000, None),
        (10, 20_000, 120_000),
        (64, 64, 64 * 6),
        (65, 20_000, 64 * 6 + 19_936 * 4),
        (500, 20_000, 64 * 6 + 19_936 * 4),
    ],
)
def test_prompts_that_judges_are_learnt_from_do_not_speak_for_the_others(
    read: int, of: int, calls: int | None
) -> None:
    assert told(read=read, of=of) == calls
