"""Compressed files: the same rows, and a cut file loses only what is cut off."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from judgeforge.errors import InputError
from tests.support.input_files import only_skip, read, skips, texts, write

LINES = [json.dumps({"prompt": f"question {n} {hash(n)}"}) for n in range(5000)]


def test_each_text_format_is_read_unpacked(tmp_path: Path) -> None:
    for name, content in {
        "p.jsonl.gz": '{"prompt": "a"}\n',
        "p.csv.gz": "prompt\na\n",
        "p.txt.GZ": "a\n",
    }.items():
        assert texts(read(write(tmp_path / name, gzip.compress(content.encode())))) == ["a"]


def test_parquet_is_read_unpacked(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / "p.parquet")
    packed = gzip.compress((tmp_path / "p.parquet").read_bytes())
    assert texts(read(write(tmp_path / "p.parquet.gz", packed))) == ["a", "b"]
    with pytest.raises(InputError, match="damaged gz file"):
        read(write(tmp_path / "p.parquet.gz", packed[:-20]))


def test_several_packed_parts_in_a_row_are_one_file(tmp_path: Path) -> None:
    parts = b"".join(gzip.compress(f"{text}\n".encode()) for text in "ab")
    assert texts(read(write(tmp_path / "p.txt.gz", parts))) == ["a", "b"]


def test_a_packed_file_under_a_plain_name_is_known_by_its_bytes(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "p.txt", gzip.compress(b"a\n")))) == ["a"]


def test_a_plain_file_under_a_packed_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a gz file"):
        read(write(tmp_path / "p.txt.gz", "a\n"))


@pytest.mark.parametrize("name", ["p.jsonl.gz", "p.csv.gz"])
def test_the_rows_before_the_cut_stand_and_the_cut_is_one_skip(tmp_path: Path, name: str) -> None:
    lines = LINES if "jsonl" in name else ["prompt", *(f"question {n}" for n in range(5000))]
    whole = gzip.compress("\n".join(lines).encode())
    rows = read(write(tmp_path / name, whole[: len(whole) // 2]))
    assert 100 < len(rows) < 4999
    ((line, reason),) = skips(rows)
    assert reason == "invalid_row"
    assert line == len(rows) + (name == "p.csv.gz")
    assert "ends early" in only_skip(rows[-1:]).detail


def test_a_file_whose_last_bytes_are_wrong_is_said_to_be_damaged(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(LINES).encode())
    rows = read(write(tmp_path / "p.jsonl.gz", whole[:-8] + b"\0" * 8))
    assert skips(rows) == [(len(rows), "invalid_row")]
    assert len(rows) > 4000


def test_a_file_that_gives_no_row_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged gz file"):
        read(write(tmp_path / "p.jsonl.gz", gzip.compress(b"{}")[:12]))


def test_a_packed_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no rows"):
        read(write(tmp_path / "p.jsonl.gz", gzip.compress(b"")))
