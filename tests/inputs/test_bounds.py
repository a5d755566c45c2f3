"""A small file never needs much memory, whatever it unpacks to."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.errors import InputError
from tests.support.input_files import read, skips, write

LONGEST_S = 600
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
for file in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    try:
        rows = [(row.reason.value if hasattr(row, "reason") else "fine")
                for row in read_prompts(PromptsConfig(path=Path(file)), RowChecks())]
        found = " ".join([str(len(rows)), *sorted(set(rows))])
    except InputError as error:
        found = f"InputError {error}"
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    print(int(peak.split()[1]) >> 10, found)
"""


def write_table(file: Path, column: pa.Array, **options: Any) -> None:
    pq.write_table(pa.table({"prompt": column}), file, compression="zstd", **options)
    assert file.stat().st_size < 200_000


def repeated(text: str, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


def one_row(elements: int) -> pa.Array:
    values = pa.nulls(elements, pa.int64()).fill_null(1)
    return pa.ListArray.from_arrays(pa.array([0, elements], pa.int32()), values)


TABLES: dict[str, tuple[Callable[[], pa.Array], str]] = {
    "a dictionary of a long text": (lambda: repeated("x" * (40 << 20), 64), "64 too_long"),
    "a dictionary that unpacks to much": (lambda: repeated("x" * (100 << 20), 2), "unpacks"),
    "a row of millions of elements": (lambda: one_row(40_000_000), "unpacks"),
    "rows just short enough": (lambda: repeated("x" * (15 << 20), 12), "12 duplicate_prompt fine"),
    "tiny rows in one group": (lambda: repeated("hi", 50_000), "50000 duplicate_prompt fine"),
}
TEXTS: dict[str, tuple[str, bytes, str]] = {
    "a long line of JSON": ("jsonl", b"x" * (40 << 20), "1 too_long"),
    "a long line of text": ("txt", b"x" * (40 << 20), "1 too_long"),
    "a long value": ("csv", b"prompt\n" + b"x" * (40 << 20), "1 too_long"),
    "an open quote": ("csv", b'prompt\n"' + b"x\n" * (1 << 17), ""),
    "empty lines": ("jsonl", b"\n" * (2 << 20), "InputError"),
    "deep lists": ("jsonl", b'{"prompt": ' + b"[" * (10 << 20) + b"\n", "1 invalid_row"),
    "a long row of a list": ("json", b'[{"prompt": "' + b"x" * (40 << 20) + b'"}]', "1 too_long"),
    "deep lists in a list": ("json", b"[" * (10 << 20), "1 invalid_row"),
    "a list of many": ("json", b"[" + b"1," * (1 << 18) + b"1]", "262145 invalid_row"),
    "a long number": ("jsonl", b'{"prompt": ' + b"9" * (10 << 20) + b"}\n", "1 invalid_row"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """MiB and rows of each file, all read by one process."""
    folder = tmp_path_factory.mktemp("packed")
    files = {}
    for name, (column, _) in TABLES.items():
        files[name] = folder / f"{name}.parquet"
        write_table(files[name], column(), row_group_size=100_000)
    for name, (format_, content, _) in TEXTS.items():
        packed = gzip.compress(content, compresslevel=1)
        files[name] = write(folder / f"{name}.{format_}.gz", packed)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, files.values())],
        capture_output=True, text=True, check=False, timeout=LONGEST_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answers = (line.split(" ", 1) for line in done.stdout.splitlines())
    return {name: (int(peak), rows) for name, (peak, rows) in zip(files, answers, strict=True)}


@pytest.mark.slow
@pytest.mark.timeout(LONGEST_S)
@pytest.mark.parametrize("name", [*TABLES, *TEXTS])
def test_a_small_file_is_read_in_little_memory(
    found: dict[str, tuple[int, str]], name: str
) -> None:
    peak_mb, rows = found[name]
    assert (TABLES | TEXTS)[name][-1] in rows
    assert peak_mb < MEMORY_MB, rows


def test_a_packed_table_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.packed.LARGEST_UNPACKED", 1 << 20)
    file = write(tmp_path / "p.parquet.gz", gzip.compress(b"\0" * (8 << 20)))
    with pytest.raises(Exception, match="unpacks to more than"):
        read(file)


@pytest.mark.parametrize("name", ["p.jsonl.gz", "p.txt.gz", "p.csv.gz"])
@pytest.mark.parametrize("line", [b"\n", b" \n", b"{}\n", b"a\n"], ids=["none", "blank", "{}", "a"])
def test_a_packed_file_of_almost_nothing_is_refused_before_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, line: bytes
) -> None:
    monkeypatch.setattr("judgeforge.inputs.packed._FEWEST_ROWS", 1 << 10)
    file = write(tmp_path / name, gzip.compress(b"prompt\n" + line * (1 << 20)))
    with pytest.raises(InputError, match="more lines than packed bytes"):
        read(file, limit=1 << 20)


def test_one_endless_packed_line_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.packed.LARGEST_UNPACKED", 1 << 20)
    file = write(tmp_path / "p.jsonl.gz", gzip.compress(b"x" * (40 << 20)))
    with pytest.raises(InputError, match="unpacks to more than"):
        read(file)


def test_many_short_packed_prompts_that_differ_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgeforge.inputs.packed._FEWEST_ROWS", 1 << 10)
    lines = b"".join(b"%x\n" % (n * 2654435761 % 2**32) for n in range(5000))
    assert len(read(write(tmp_path / "p.txt.gz", gzip.compress(lines)))) == 5000


@pytest.mark.parametrize("depth", [120, 400, 900, 980, 5000])
def test_metadata_nested_deeply_is_one_skip(tmp_path: Path, depth: int) -> None:
    row = f'{{"prompt": "a", "metadata": {{"x": {"[" * depth}{"]" * depth}}}}}'
    fine = json.dumps({"prompt": "b", "metadata": {"x": [[[1]]]}})
    file = write(tmp_path / "p.jsonl", f"{row}\n{fine}\n")
    assert skips(read(file)) == [(1, "invalid_row")]
