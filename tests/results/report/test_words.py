"""What the report says of judges that no label has measured."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.report.words import assumed


def two(noisy: float, good: float, prompts: int = 64) -> dict[str, Any]:
    return {
        "judges": [
            {"name": "noisy", "own_sd": noisy, "repeat_sd": 0.05, "scale": 1.0},
            {"name": "good", "own_sd": good, "repeat_sd": 0.05, "scale": 1.0},
        ],
        "prompts": prompts,
        "doubt": 0.15,
    }


def test_two_judges_are_told_apart_or_said_to_be_indistinguishable() -> None:
    assert "noisy is taken to err 2.5 times as much as good" in assumed(two(0.2, 0.0651))
    assert "cannot be told apart" in assumed(two(0.11, 0.1))


def test_more_prompts_tell_judges_apart_that_are_nearer() -> None:
    assert "cannot be told apart" in assumed(two(0.13, 0.1, prompts=64))
    assert "err 1.2 times" in assumed(two(0.13, 0.1, prompts=640))


@pytest.mark.parametrize("known", [{}, {"judges": []}, {"judges": [{"name": "one"}]}])
def test_nothing_is_said_of_two_where_there_are_not_two(known: dict[str, Any]) -> None:
    assert assumed(known).endswith("not measured.")


def test_of_one_judge_it_says_how_far_off_it_may_be() -> None:
    assert "1.8 times as large or small" in assumed({"doubt": 0.6})
    assert "no pair that only it decides is surer than 0.8" in assumed(
        {"doubt": 0.85, "useless": 0.4}
    )
