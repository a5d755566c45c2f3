"""What is bought to measure judges, and where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.judges import JudgingConfig
from judgeforge.runs.preparation.extra_judgments import NEVER_MEASURED, Measure, bought, is_measured

TWO_TIERS = [{"model": "a"}, {"model": "b", "tier": 2}]


def judging(judges: list[dict[str, Any]], **settings: object) -> JudgingConfig:
    return JudgingConfig.model_validate({"judges": judges, **settings})


@pytest.mark.parametrize(
    ("judges", "settings", "expected"),
    [
        ([{"model": "a"}], {}, "repeats"),
        ([{"model": "a", "protocol": "listwise"}], {}, "repeats"),
        ([{"model": "a"}], {"fit_repeats": 0}, None),
        ([{"model": "a"}], {"fit_prompts": 0}, None),
        ([{"model": "a"}], {"calibration": Path("calibration.json")}, None),
        (
            [{"model": "a"}],
            {"judgments": Path("verdicts.jsonl")},
            "repeats",
        ),  # which may come and go
        ([{"model": "a", "repeats": 2}], {}, None),
        ([{"model": "a", "protocol": "pairwise"}], {}, None),
        ([{"model": "a", "protocol": "decisions"}], {}, None),
        ([{"model": "a"}, {"model": "b"}], {}, None),
        (TWO_TIERS, {"cascade": {}}, "everybody"),
        (TWO_TIERS, {"cascade": {}, "fit_repeats": 0}, None),
        (TWO_TIERS, {}, None),
        ([], {}, None),
    ],
)
def test_is_bought_only_where_nothing_else_measures(
    judges: list[dict[str, Any]], settings: dict[str, Any], expected: Measure | None
) -> None:
    assert bought(judging(judges, **settings)) == expected


def test_the_first_rows_are_never_measured_and_two_thirds_of_the_others_are() -> None:
    names = [f"p{place}" for place in range(1000)]
    assert not any(is_measured(place, names[place]) for place in range(NEVER_MEASURED))
    assert 600 < sum(is_measured(99, name) for name in names) < 730
    assert is_measured(99, "p1") == is_measured(500, "p1")


def test_an_answer_beyond_the_repeats_is_drawn_at_a_temperature() -> None:
    plain, cold, warm = judging(
        [
            {"model": "a"},
            {"model": "a", "name": "b", "temperature": 0.0},
            {"model": "a", "name": "c", "temperature": 0.4},
        ]
    ).judges
    assert [one.temperature_of(0) for one in (plain, cold, warm)] == [0.0, 0.0, 0.4]
    assert [one.temperature_of(1) for one in (plain, cold, warm)] == [1.0, 1.0, 0.4]
