"""JSON files that hold one list of rows, whatever stands in a row and wherever a read ends."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgeforge.errors import InputError
from judgeforge.inputs.json_array import _Rows
from judgeforge.inputs.rows import BadRow, RawRow
from tests.support.input_files import only_skip, read, skips, texts, write

ROWS = [{"prompt": f'question {n} with "quotes", [brackets] and a \\ \u00e9'} for n in range(5)]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_is_read_row_by_row(tmp_path: Path, indent: int | None) -> None:
    file = write(tmp_path / "p.json", json.dumps(ROWS, indent=indent))
    rows = read(file)
    assert texts(rows) == [row["prompt"] for row in ROWS]
    assert [row.line for row in rows] == [1, 2, 3, 4, 5]
    assert texts(read(file, limit=2)) == [row["prompt"] for row in ROWS[:2]]


def test_a_packed_list_is_read_unpacked(tmp_path: Path) -> None:
    file = write(tmp_path / "p.json.gz", gzip.compress(json.dumps(ROWS).encode()))
    assert len(texts(read(file))) == 5


def test_a_mark_of_the_byte_order_is_no_row(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "p.json", "\ufeff \n" + json.dumps(ROWS[:1])))) != []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('[{"prompt": "a"}, {bad}, {"prompt": "b"}]', [(2, "invalid_row")]),
        ('[{"prompt": "a"}, 7, {"prompt": "b"},]', [(2, "invalid_row")]),
        ('[{"prompt": "a"}, , {"prompt": "b"}]', [(2, "invalid_row")]),
        ('[{"prompt": "a"}, {"prompt": "b"}', [(3, "invalid_row")]),
        ('[{"prompt": "a"}, {"prompt": "b"}, {"prompt": "c', [(3, "invalid_row")]),
        ('[{"prompt": "a"}, {"prompt": "b"}] {"prompt": "c"}', [(3, "invalid_row")]),
        ('[{"prompt": "a"}, {"prompt": "\ud800"}, {"prompt": "b"}]', [(2, "invalid_encoding")]),
    ],
)
def test_a_mistake_costs_its_row_alone(
    tmp_path: Path, content: str, found: list[tuple[int, str]]
) -> None:
    file = write(tmp_path / "p.json", content.encode("utf-8", "surrogatepass"))
    rows = read(file)
    assert skips(rows) == found
    assert texts(rows) == ["a", "b"][: len(rows) - 1]


def test_a_row_that_is_too_long_is_skipped_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.json_array.LONGEST_LINE", 1000)
    rows: list[Any] = [{"prompt": "a"}, {"prompt": "x" * 200_000}, {"prompt": "b"}]
    found = read(write(tmp_path / "p.json", json.dumps(rows)))
    assert skips(found) == [(2, "too_long")]
    assert texts(found) == ["a", "b"]


def test_a_cut_packed_list_keeps_the_rows_before_the_cut(tmp_path: Path) -> None:
    rows = [{"prompt": f"question {n} {hash(n)}"} for n in range(5000)]
    whole = gzip.compress(json.dumps(rows).encode())
    found = read(write(tmp_path / "p.json.gz", whole[: len(whole) // 2]))
    assert 100 < len(found) < 4999
    assert "ends early" in only_skip(found[-1:]).detail


def test_one_object_a_line_is_read_as_json_lines(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    assert len(texts(read(write(tmp_path / "p.json", lines)))) == 5


@pytest.mark.parametrize("content", ['{\n"data": [{"prompt": "a"}]}', "7", "prompt"])
def test_a_file_that_is_no_list_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="is not a list of rows"):
        read(write(tmp_path / "p.json", content))


def test_a_table_that_was_written_by_its_columns_is_an_error_with_advice(tmp_path: Path) -> None:
    columns = {"id": {"0": 1, "1": 2}, "prompt": {"0": "a", "1": "b"}}
    with pytest.raises(InputError, match=r"columns in place of rows.*orient='records'"):
        read(write(tmp_path / "p.json", json.dumps(columns)))


def test_an_empty_list_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no rows"):
        read(write(tmp_path / "p.json", "[ ]"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab"\\[]{},: \n\u00e9'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("k\"]"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.text("ab"), JSON, max_size=3), max_size=4), st.integers(1, 9))
def test_wherever_pieces_end_the_same_rows_are_found(rows: list[Any], size: int) -> None:
    text = json.dumps(rows)[1:].encode()
    finder = _Rows()
    found: list[RawRow | BadRow] = []
    for start in range(0, len(text), size):
        found += finder.feed(text[start : start + size])
    found += finder.break_off()
    assert [dict(row.columns) for row in found] == rows
    assert [row.line for row in found] == list(range(1, len(rows) + 1))
