"""Reading back the files of a run folder: damage has a name and a place, a cut log has neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgeforge.errors import StoreError
from judgeforge.records import Skip, SkipReason
from judgeforge.store.json_lines import read_log, read_placed_rows, read_records, read_rows

ROWS = b'{"prompt_id": "a", "n": 1}\n{"prompt_id": "b", "n": 2}\n'


def written(folder: Path, content: bytes) -> Path:
    file = folder / "rows.jsonl"
    file.write_bytes(content)
    return file


def test_rows_come_in_their_order(tmp_path: Path) -> None:
    assert [row["n"] for row in read_rows(written(tmp_path, ROWS))] == [1, 2]


def test_a_row_can_be_found_again_by_its_byte(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS)
    for offset, line, row in read_placed_rows(file, needs="prompt_id"):
        assert next(read_placed_rows(file, needs="prompt_id", offset=offset)) == (offset, line, row)


def test_damage_behind_an_offset_has_its_place_in_the_whole_file(tmp_path: Path) -> None:
    file = written(tmp_path, ROWS + b"damage\n")
    behind_the_first = ROWS.index(b"\n") + 1
    with pytest.raises(StoreError, match=r"rows\.jsonl:3: damaged"):
        list(read_placed_rows(file, needs="prompt_id", offset=behind_the_first))


def test_lines_without_the_wanted_bytes_are_not_even_read(tmp_path: Path) -> None:
    file = written(tmp_path, b"{damaged\n" + ROWS)
    assert [row["n"] for row in read_rows(file, containing=b'"b"')] == [2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"prompt_id": ', r"rows\.jsonl:3: damaged \("),
        (b"[1]", r"rows\.jsonl:3: damaged \(not a JSON object\)"),
        (b'{"n": 3}', r"rows\.jsonl:3: damaged \(no `prompt_id`\)"),
        (b"\xff", r"rows\.jsonl:3: damaged \("),
        (b"[" * 200_000, r"rows\.jsonl:3: damaged \("),
    ],
)
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    file = written(tmp_path, ROWS + line + b"\n")
    with pytest.raises(StoreError, match=said):
        list(read_rows(file, needs="prompt_id"))


def test_records_are_checked_and_say_what_is_wrong(tmp_path: Path) -> None:
    skip = Skip(prompt_id="a", line=1, reason=SkipReason.TIE, detail="equal")
    line = skip.model_dump_json().encode() + b"\n"
    assert list(read_records(written(tmp_path, line), Skip)) == [skip]
    wrong = line.replace(b'"tie"', b'"why"')
    with pytest.raises(StoreError, match=r"rows\.jsonl:2: damaged \(reason: "):
        list(read_records(written(tmp_path, line + wrong), Skip))


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"rows\.jsonl: cannot be read: No such file"):
        list(read_rows(tmp_path / "rows.jsonl"))


def test_a_log_gives_what_can_be_read_of_it(tmp_path: Path) -> None:
    log = written(tmp_path, b"[1]\n\xff\n" + b"[" * 200_000 + b"\n" + ROWS + b'{"prompt_id": "c')
    assert [row["n"] for row in read_log(log)] == [1, 2]
    assert list(read_log(tmp_path / "gone.jsonl")) == []
