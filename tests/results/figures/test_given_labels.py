"""Labels of a preference set against the verdicts of a run: agreement, flips, length, family."""

from __future__ import annotations

from typing import Any

import pytest

from judgeforge.results.figures.given_labels import GivenLabelFigures
from judgeforge.store.manifest import GivenLabels


def side(
    given: str | None, score: float | None, p_best: float = 0.0, **more: Any
) -> dict[str, Any]:
    row = {"prompt_id": "p", "model": "given", "text": "x", "score": score, "p_best": p_best}
    return {**row, **({"given": given} if given else {}), **more}


def told(*prompts: list[dict[str, Any]]) -> GivenLabels:
    figures = GivenLabelFigures()
    for prompt in prompts:
        figures.add_prompt(prompt)
    found = figures.told()
    assert found is not None
    return found


RIGHT = [side("chosen", 0.9, 0.95), side("rejected", 0.3, 0.05)]
WRONG = [side("chosen", 0.2, 0.08), side("rejected", 0.6, 0.92)]
TIED = [side("rejected", 0.5, 0.5), side("chosen", 0.5, 0.5)]
UNJUDGED = [side("chosen", None), side("rejected", 0.5)]


def test_each_row_agrees_is_flipped_is_tied_or_was_not_judged() -> None:
    found = told(RIGHT, WRONG, TIED, UNJUDGED)
    assert (found.rows, found.judged) == (4, 3)
    assert (found.agree, found.flipped, found.tied, found.surely_flipped) == (1, 1, 1, 1)
    assert found.expected_right == pytest.approx((0.95 + 0.08 + 0.5) / 3)


def test_among_several_completions_the_two_sides_are_compared() -> None:
    found = told([*WRONG, side(None, 0.9, 0.5)])
    assert found.surest_flips[0].probability == pytest.approx(0.92)


def test_the_surest_flips_are_named_and_only_so_many() -> None:
    rows = [
        [
            side("chosen", 0.1, share / 200, prompt_id=f"p{share}"),
            side("rejected", 0.9, 1 - share / 200, prompt_id=f"p{share}"),
        ]
        for share in range(80)
    ]
    flips = told(*rows).surest_flips
    assert [flip.prompt_id for flip in flips] == [f"p{share}" for share in range(50)]


def test_the_taste_for_length_of_labels_and_verdicts() -> None:
    longer = [[one | {"text": "much longer" if one["given"] == "chosen" else "x"} for one in row]
              for row in (RIGHT, WRONG, WRONG)]  # fmt: skip
    found = told(*longer, RIGHT)
    assert found.labelled_longer == 1.0
    assert found.judged_longer == pytest.approx(1 / 3, abs=1e-5)
    assert found.flips_from_longer == 1.0


def test_the_taste_for_families_counts_rows_of_two_families() -> None:
    def by(row: list[dict[str, Any]], chosen: str, rejected: str) -> list[dict[str, Any]]:
        return [one | {"model": chosen if one["given"] == "chosen" else rejected} for one in row]

    found = told(
        by(RIGHT, "gpt-4", "vicuna-13b"), by(WRONG, "gpt-4", "llama-2-7b"), by(RIGHT, "gpt-4", "o3")
    )
    assert {one.family: (one.rows, one.labelled, one.judged) for one in found.families} == {
        "gpt": (2, 2, 1),
        "llama": (2, 0, 1),
    }


def test_rows_without_labels_tell_nothing() -> None:
    figures = GivenLabelFigures()
    figures.add_prompt([side(None, 0.5), side(None, 0.4)])
    figures.add_prompt([side("chosen", 0.5)])
    assert figures.told() is None
