"""zst beside gz: the same rows, known by its bytes, and a cut file loses only what is cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.errors import InputError
from tests.support.input_files import only_skip, read, skips, texts, write

LINES = "".join(json.dumps({"prompt": f"question {n} {hash(n)}"}) + "\n" for n in range(20_000))


def zst(content: str | bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return bytes(packed.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.jsonl.zst", '{"prompt": "a"}\n'),
        ("p.json.zst", '[{"prompt": "a"}]'),
        ("p.csv.zstd", "prompt\na\n"),
        ("p.txt.ZST", "a\n"),
        ("p.txt", "a\n"),
    ],
)
def test_each_text_format_is_read_unpacked(tmp_path: Path, name: str, content: str) -> None:
    assert texts(read(write(tmp_path / name, zst(content)))) == ["a"]


def test_parquet_is_read_unpacked(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a", "b"]}), tmp_path / "p.parquet")
    packed = zst((tmp_path / "p.parquet").read_bytes())
    assert texts(read(write(tmp_path / "p.parquet.zst", packed))) == ["a", "b"]
    with pytest.raises(InputError, match="damaged zst file"):
        read(write(tmp_path / "p.parquet.zst", packed[:-20]))


def test_several_packed_parts_in_a_row_are_one_file(tmp_path: Path) -> None:
    assert texts(read(write(tmp_path / "p.txt.zst", zst("a\n") + zst("b\n")))) == ["a", "b"]


def test_the_rows_before_the_cut_stand_and_the_cut_is_one_skip(tmp_path: Path) -> None:
    whole = zst(LINES)
    rows = read(write(tmp_path / "p.jsonl.zst", whole[: len(whole) // 2]))
    assert 100 < len(rows) < 19_999
    assert skips(rows) == [(len(rows), "invalid_row")]
    assert "ends early" in only_skip(rows[-1:]).detail


def test_a_plain_file_under_a_packed_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a zst file"):
        read(write(tmp_path / "p.txt.zst", "a\n"))


def test_a_file_that_unpacks_to_far_more_than_any_text_is_not_read_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.packed.LARGEST_UNPACKED", 1 << 20)
    monkeypatch.setattr("judgeforge.inputs.packed._FEWEST_ROWS", 1 << 30)
    with pytest.raises(InputError, match="unpacks to more than"):
        read(write(tmp_path / "p.txt.zst", zst("x" * (8 << 20))))
