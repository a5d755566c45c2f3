"""One scored answer a row: rows with the same prompt that follow each other are one prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import Prompt
from tests.support.foreign_rows import JUDGED, answers, only_skip, read_rows, write_rows


def row(prompt: str, response: str, helpfulness: float, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "response": response, "helpfulness": helpfulness, **more}


ROWS = [
    row("Who?", "Goethe.", 4, verbosity=1),
    row("Who?", "Schiller.", 1, verbosity=1),
    row("When?", "1808.", 3, verbosity=2),
    row("When?", "In 1808.", 3, verbosity=2),
    row("Where?", "a", 2, verbosity=0),
    row("Where?", "b", 0, verbosity=0),
    row("Where?", "c", 4, verbosity=0),
]


@pytest.mark.parametrize("name", ["p.jsonl", "p.json", "p.parquet"])
def test_neighbours_with_one_prompt_are_joined(tmp_path: Path, name: str) -> None:
    rows, source = read_rows(write_rows(tmp_path / name, ROWS), JUDGED)
    found = [each for each in rows if isinstance(each, Prompt)]
    assert [(each.line, answers(each)) for each in found] == [
        (1, [("chosen", "Goethe."), ("rejected", "Schiller.")]),
        (3, [(None, "1808."), (None, "In 1808.")]),
        (5, [(None, "a"), ("rejected", "b"), ("chosen", "c")]),
    ]
    assert list(source.unused) == ["verbosity"]


def test_a_bad_row_parts_them(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    lines = write_rows(file, ROWS[:2]).read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([lines[0], "{", lines[1]]), encoding="utf-8")
    rows, _ = read_rows(file, JUDGED)
    assert [each.line for each in rows] == [1, 2, 3]
    assert not any(isinstance(each, Prompt) for each in rows)


def test_where_answers_are_sampled_each_row_is_a_prompt_as_ever(tmp_path: Path) -> None:
    rows, _ = read_rows(write_rows(tmp_path / "p.jsonl", ROWS[:3]))
    assert [isinstance(each, Prompt) for each in rows] == [True, False, True]


def test_a_score_that_is_no_number_is_a_named_skip(tmp_path: Path) -> None:
    skip = only_skip(tmp_path, row("Who?", "a", float("nan")), JUDGED)
    assert "score of an answer must be a number" in skip.detail


def test_what_differs_between_the_rows_of_a_prompt_is_never_lost_in_silence(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "p.jsonl", [row("Who?", "a", 1, domain="x"), row("Who?", "b", 2)])
    rows, _ = read_rows(file, JUDGED)
    assert isinstance(rows[0], Prompt)
    (skip,), _ = read_rows(file, JUDGED, keep=["domain"])
    assert "`domain` differs between the rows" in str(skip)
