"""Parquet."""

from __future__ import annotations

import tracemalloc
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.config.run import PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from tests.support.input_files import only_skip, prompts, read, skips, texts, write


def table(file: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), file, **options)
    return file


def test_nested_columns_become_a_prompt(tmp_path: Path) -> None:
    columns = {
        "id": [7],
        "prompt": [[{"role": "user", "content": "Why?"}]],
        "metadata": [{"level": 2, "seen": datetime(2024, 5, 6)}],
        "completions": [[{"text": "a", "model": "m"}, {"text": "b", "model": None}]],
    }
    (prompt,) = prompts(read(table(tmp_path / "p.parquet", columns)))
    assert (prompt.id, prompt.line, texts([prompt])) == ("7", 1, ["Why?"])
    assert prompt.metadata == {"level": 2, "seen": "2024-05-06 00:00:00"}
    assert [(one.text, one.model) for one in prompt.completions] == [("a", "m"), ("b", None)]


def test_null_is_an_absent_value(tmp_path: Path) -> None:
    columns = {"id": ["x", None], "prompt": ["a", "b"], "reference": [None, "r"]}
    rows = prompts(read(table(tmp_path / "p.parquet", columns)))
    assert [row.reference for row in rows] == [None, "r"]
    assert rows[0].id == "x"
    assert len(rows[1].id) == 16


def test_bad_rows_are_skips_with_the_number_of_the_row(tmp_path: Path) -> None:
    columns = {"id": ["a", "b", "c", "c"], "prompt": ["fine", None, " ", "fine too"]}
    rows = read(table(tmp_path / "p.parquet", columns))
    assert skips(rows) == [(2, "empty_prompt"), (3, "empty_prompt")]
    assert [row.id for row in prompts(rows)] == ["a", "c"]
    assert only_skip(rows[1:2]).detail.startswith(f"{tmp_path / 'p.parquet'}:2: ")


def test_text_that_is_not_utf_8_is_one_skip_among_many_rows(tmp_path: Path) -> None:
    raw = [f"row {n}".encode() for n in range(600)]
    raw[300] = b"caf\xe9"
    broken = pa.Array.from_buffers(pa.string(), 600, pa.array(raw, pa.binary()).buffers())
    rows = read(table(tmp_path / "p.parquet", {"prompt": broken}))
    assert skips(rows) == [(301, "invalid_encoding")]
    assert len(prompts(rows)) == 599


@pytest.mark.slow
def test_a_large_row_group_is_not_read_whole(tmp_path: Path) -> None:
    rows = [f"{number} {'x' * 10_000}" for number in range(4000)]
    file = table(tmp_path / "p.parquet", {"prompt": rows}, use_dictionary=False, compression=None)
    del rows
    tracemalloc.start()
    try:
        found = sum(1 for _ in read_prompts(PromptsConfig(path=file), RowChecks()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == 4000
    assert peak < file.stat().st_size / 2


def test_only_the_columns_that_are_asked_for_are_read(tmp_path: Path) -> None:
    columns = {"question": ["a"], "embedding": [[0.5] * 3], "prompt": ["not this one"]}
    file = table(tmp_path / "p.parquet", columns)
    assert texts(read(file, fields={"prompt": "question"})) == ["a"]


@pytest.mark.parametrize(
    ("columns", "fields", "says"),
    [
        ({"question": ["a"]}, {}, r"no column `prompt` \(there are question\)"),
        ({"prompt": ["a"], "gold": ["b"]}, {"reference": "golden"}, "did you mean `gold`"),
        ({"prompt": pa.array([], pa.string())}, {}, "has no rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error(
    tmp_path: Path, columns: dict[str, Any], fields: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        read(table(tmp_path / "p.parquet", columns), fields=fields)


def test_what_is_no_parquet_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read(write(tmp_path / "p.parquet", '{"prompt": "a"}\n' * 10))


def test_the_wrong_type_in_a_column_is_a_skip_a_row(tmp_path: Path) -> None:
    columns = {"prompt": [b"bytes", b"more"], "id": [True, False]}
    assert skips(read(table(tmp_path / "p.parquet", columns))) == [
        (1, "invalid_row"),
        (2, "invalid_row"),
    ]


def test_a_date_that_python_does_not_know_is_one_skip(tmp_path: Path) -> None:
    days = pa.array([1, 2**31 - 1], pa.int32()).cast(pa.date32())
    file = tmp_path / "prompts.parquet"
    pq.write_table(pa.table({"prompt": ["a", "b"], "id": pa.array(["x", "y"]), "day": days}), file)
    config = PromptsConfig.model_validate({"path": file, "fields": {"metadata": "day"}})
    assert skips(read_prompts(config, RowChecks()))[-1] == (2, "invalid_row")
