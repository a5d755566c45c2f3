"""A small file never needs much memory, whatever it unpacks to."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.errors import InputError
from tests.support.input_files import read, skips, write

MEMORY_MB = 700
"""Of a process that reads such a file, some 200 of them for Python and pyarrow."""
SCRIPT = """
import resource, sys
from pathlib import Path
from judgeforge.config.run import PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
try:
    rows = [(row.reason.value if hasattr(row, "reason") else "fine")
            for row in read_prompts(PromptsConfig(path=Path(sys.argv[1])), RowChecks())]
    print(len(rows), *sorted(set(rows)))
except InputError as error:
    print("InputError", error)
peak = next(x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
print(int(peak.split()[1]) >> 10)
"""
LONG = "x" * (40 << 20)


def read_in_little_memory(file: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found, peak_mb = done.stdout.strip().rsplit("\n", 1)
    assert int(peak_mb) < MEMORY_MB, found
    return found


def table(file: Path, column: pa.Array, **options: Any) -> Path:
    pq.write_table(pa.table({"prompt": column}), file, compression="zstd", **options)
    assert file.stat().st_size < 200_000
    return file


def repeated(text: str, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


def test_a_dictionary_of_a_long_text_is_many_rows_that_are_too_long(tmp_path: Path) -> None:
    file = table(tmp_path / "p.parquet", repeated(LONG, 64))
    assert read_in_little_memory(file) == "64 too_long"


def test_a_dictionary_that_unpacks_to_much_is_an_error(tmp_path: Path) -> None:
    file = table(tmp_path / "p.parquet", repeated("x" * (300 << 20), 2))
    assert "unpacks" in read_in_little_memory(file)


def test_one_row_of_millions_of_elements_is_an_error(tmp_path: Path) -> None:
    n = 40_000_000
    lists = pa.ListArray.from_arrays(
        pa.array([0, n], pa.int32()), pa.nulls(n, pa.int64()).fill_null(1)
    )
    assert "unpacks" in read_in_little_memory(table(tmp_path / "p.parquet", lists))


def test_rows_just_short_enough_are_read(tmp_path: Path) -> None:
    file = table(tmp_path / "p.parquet", repeated("x" * (15 << 20), 12))
    assert read_in_little_memory(file) == "12 duplicate_prompt fine"


def test_millions_of_tiny_rows_in_one_group_are_read(tmp_path: Path) -> None:
    file = table(tmp_path / "p.parquet", repeated("hi", 100_000), row_group_size=100_000)
    assert read_in_little_memory(file) == "100000 duplicate_prompt fine"


def test_a_packed_table_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.parquet.LARGEST_UNPACKED", 1 << 20)
    file = write(tmp_path / "p.parquet.gz", gzip.compress(b"\0" * (8 << 20)))
    with pytest.raises(Exception, match="unpacks to more than"):
        read(file)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("p.jsonl.gz", b"x" * (40 << 20), "1 too_long"),
        ("p.txt.gz", b"x" * (40 << 20), "1 too_long"),
        ("p.csv.gz", b"prompt\n" + b"x" * (40 << 20), "1 too_long"),
        ("p.csv.gz", b'prompt\n"' + b"x\n" * (1 << 20), None),
        ("p.jsonl.gz", b"\n" * (20 << 20), "InputError"),
        ("p.jsonl.gz", b'{"prompt": ' + b"[" * (10 << 20) + b"\n", "1 invalid_row"),
        ("p.jsonl.gz", b'{"prompt": ' + b"9" * (10 << 20) + b"}\n", "1 invalid_row"),
    ],
)
def test_a_packed_text_is_read_line_by_line(
    tmp_path: Path, name: str, content: bytes, expected: str | None
) -> None:
    found = read_in_little_memory(write(tmp_path / name, gzip.compress(content)))
    assert expected is None or found.startswith(expected)


@pytest.mark.parametrize("name", ["p.jsonl.gz", "p.txt.gz", "p.csv.gz"])
@pytest.mark.parametrize("line", [b"\n", b" \n", b"{}\n", b"a\n"], ids=["none", "blank", "{}", "a"])
def test_a_packed_file_of_almost_nothing_is_refused_before_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: bytes
) -> None:
    monkeypatch.setattr("judgeforge.inputs.files._FEWEST_LINES", 1 << 10)
    file = write(tmp_path / name, gzip.compress(b"prompt\n" + line * (1 << 20)))
    with pytest.raises(InputError, match="more lines than packed bytes"):
        read(file, limit=1 << 20)


def test_one_endless_packed_line_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.files.LARGEST_UNPACKED", 1 << 20)
    file = write(tmp_path / "p.jsonl.gz", gzip.compress(b"x" * (40 << 20)))
    with pytest.raises(InputError, match="unpacks to more than"):
        read(file)


def test_many_short_packed_prompts_that_differ_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.files._FEWEST_LINES", 1 << 10)
    lines = b"".join(b"%x\n" % (n * 2654435761 % 2**32) for n in range(5000))
    assert len(read(write(tmp_path / "p.txt.gz", gzip.compress(lines)))) == 5000


@pytest.mark.parametrize("depth", [120, 400, 900, 980, 5000])
def test_metadata_nested_deeply_is_one_skip(tmp_path: Path, depth: int) -> None:
    row = f'{{"prompt": "a", "metadata": {{"x": {"[" * depth}{"]" * depth}}}}}'
    fine = json.dumps({"prompt": "b", "metadata": {"x": [[[1]]]}})
    file = write(tmp_path / "p.jsonl", f"{row}\n{fine}\n")
    assert skips(read(file)) == [(1, "invalid_row")]
