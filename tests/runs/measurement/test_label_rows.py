"""Rows of label files: what people chose, or a skip that says where and why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import parquet

from judgeforge.errors import InputError
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.runs.measurement.label_rows import read_labels
from tests.support.label_files import write_rows

PAIR = {"prompt": "q", "a": "x", "b": "y"}
LIST = {"prompt": "q", "completions": ["x", "y", "z"]}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**PAIR, "label": "c"}, "a label must be a, b or tie; found `c`"),
        (PAIR, "the row has no `label`"),
        ({"prompt": "q", "label": "a"}, "neither `a` and `b` nor `completions`"),
        ({**LIST, "best": 3}, "0 to 2; found 3"),
        ({**LIST, "best": True}, "found True"),
        (LIST, "the row has no `best`"),
        ({**PAIR, "label": "a", "b": "x"}, "at least two different texts"),
        ({**PAIR, "label": "a", "prompt": " "}, "`prompt` is empty"),
        ({**PAIR, "label": "a", "labels": "a"}, "`labels` must be a list"),
        ({**PAIR, "label": "a", "labels": ["x"]}, "a label must be a, b or tie"),
    ],
)
def test_a_bad_label_row_is_a_skip_with_its_line(
    tmp_path: Path, row: dict[str, Any], told: str
) -> None:
    good = {"prompt": "fine", "a": "one", "b": "two", "label": "a"}
    file = write_rows(tmp_path / "labels.jsonl", [good, row])
    found = read_labels(file, RowChecks(needs_completions=True))
    assert len(found.rows) == 1
    assert f"{file}:2: " in found.skips[0].detail
    assert told in found.skips[0].detail


@pytest.mark.parametrize("field", ["metadata", "reference", "tools", "id"])
def test_what_only_has_the_name_of_a_column_is_to_be_renamed(tmp_path: Path, field: str) -> None:
    """`fields:` is for prompts: a label file has no configuration that could leave a column out."""
    rows = [{**PAIR, "label": "a", field: [3]}, {**PAIR, "prompt": "fine", "label": "a"}]
    found = read_labels(write_rows(tmp_path / "labels.jsonl", rows), RowChecks())
    assert "Rename the column: label files have fixed names" in found.skips[0].detail
    assert "leaves the column out" not in found.skips[0].detail


@pytest.mark.parametrize(
    ("repeat", "second_looks"),
    [(1, 1), ("2", 1), (1.0, 1), (0, 0), ("0.0", 0), (float("nan"), 0), (False, 0), ("no", 0)],
)
def test_only_a_number_from_1_makes_a_second_look(
    tmp_path: Path, repeat: object, second_looks: int
) -> None:
    rows = [{**PAIR, "label": "a", "repeat": repeat}, {**PAIR, "prompt": "fine", "label": "a"}]
    found = read_labels(write_rows(tmp_path / "labels.jsonl", rows), RowChecks())
    assert (found.second_looks, len(found.rows)) == (second_looks, 2 - second_looks)


def test_people_decide_where_no_label_does(tmp_path: Path) -> None:
    def label(*people: str) -> dict[str, float]:
        file = write_rows(tmp_path / "labels.jsonl", [{**PAIR, "id": "p", "labels": people}])
        row = read_labels(file, RowChecks(needs_completions=True)).rows[0]
        return dict(row.label.parts)

    assert label("a", "b", "a") == {"p.c0": 1.0}
    assert label("a", "b") == {"p.c0": 0.5, "p.c1": 0.5}
    assert label("tie", "tie", "b") == {"p.c0": 0.5, "p.c1": 0.5}


def test_two_are_labelled_among_the_others_of_their_prompt_where_that_is_asked(
    tmp_path: Path,
) -> None:
    row = {**PAIR, "id": "p", "label": "b", "others": ["z", {"text": "w"}]}
    file = write_rows(tmp_path / "labels.jsonl", [row])
    alone = read_labels(file, RowChecks(needs_completions=True)).rows[0]
    among = read_labels(file, RowChecks(needs_completions=True), among_others=True).rows[0]
    assert [one.text for one in alone.prompt.completions] == ["x", "y"]
    assert [one.text for one in among.prompt.completions] == ["x", "y", "z", "w"]
    assert dict(alone.label.parts) == {"p.c1": 1.0}
    assert dict(among.label.parts) == {"p.c0": 0.0, "p.c1": 1.0}
    assert among.kind == "pair"


def test_two_stand_among_the_others_where_the_row_says(tmp_path: Path) -> None:
    row = {**PAIR, "id": "p", "label": "b", "others": ["z", "w"], "places": [3, 1]}
    file = write_rows(tmp_path / "labels.jsonl", [row])
    found = read_labels(file, RowChecks(needs_completions=True), among_others=True).rows[0]
    assert [one.text for one in found.prompt.completions] == ["z", "y", "w", "x"]
    assert dict(found.label.parts) == {"p.c3": 0.0, "p.c1": 1.0}


@pytest.mark.parametrize(
    "places", [[0, 4], [1, 1], [1, 1, 2], [1], [-1, 0], [True, 0], "first", {"a": 0}]
)
def test_places_that_cannot_be_are_a_skip(tmp_path: Path, places: object) -> None:
    good = {"prompt": "fine", "a": "one", "b": "two", "label": "a"}
    rows = [good, {**PAIR, "label": "a", "others": ["z", "w"], "places": places}]
    file = write_rows(tmp_path / "labels.jsonl", rows)
    found = read_labels(file, RowChecks(needs_completions=True), among_others=True)
    assert len(found.skips) == 1
    assert "`places`" in found.skips[0].detail


def test_others_that_are_no_list_are_a_skip(tmp_path: Path) -> None:
    good = {"prompt": "fine", "a": "one", "b": "two", "label": "a"}
    rows = [good, {**PAIR, "label": "a", "others": 5}]
    file = write_rows(tmp_path / "labels.jsonl", rows)
    found = read_labels(file, RowChecks(needs_completions=True), among_others=True)
    assert "`others` must be a list of completions; found" in found.skips[0].detail


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_may_stand_in_a_table(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"labels.{ending}"
    columns = {"prompt": "q", "a": "x", "b": "y", "label": "b", "labels": '["a", "b"]'}
    table = pa.table({name: [value] for name, value in columns.items()})
    write_table = pa_csv.write_csv if ending == "csv" else parquet.write_table
    write_table(table, file)
    found = read_labels(file, RowChecks(needs_completions=True))
    assert found.kind == "pair"
    assert found.people is not None
    assert list(found.rows[0].label.parts.values()) == [1.0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "question,a,b,label\nq,x,y,b\n"),
        ("labels.jsonl", '{"question": "q", "a": "x", "b": "y", "label": "b"}\n'),
    ],
)
def test_a_label_file_without_prompts_is_told_to_rename_the_column(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"no .*`prompt`") as raised:
        read_labels(tmp_path / name, RowChecks(needs_completions=True))
    assert "question, a, b, label" in str(raised.value)
    assert "Rename the column" in str(raised.value)
    assert "COLUMN" not in str(raised.value)


def test_two_kinds_of_labels_need_two_files(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "labels.jsonl", [{**PAIR, "label": "a"}, {**LIST, "best": 1}])
    with pytest.raises(InputError, match=r"labels\.jsonl:2: .*a file of its own"):
        read_labels(file, RowChecks(needs_completions=True))
