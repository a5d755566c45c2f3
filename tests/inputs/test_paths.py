"""Values within a column, named by a path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.config.run import Fields, PromptsConfig
from judgeforge.errors import InputError
from judgeforge.inputs.paths import value_at
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.source_columns import SourceColumns
from tests.support.input_files import NO_LIMITS, prompts, read, skips, write_jsonl

ROW: dict[str, Any] = {
    "reward_model": {"ground_truth": "2", "style": "rule"},
    "turns": ["first", {"text": "second"}],
    "a.b": "a column of its own",
    "a": {"b": "not this one"},
    "deep": {"b.c": {"d": 5}},
    "cell": '{"answer": ["yes"]}',
    "text": "{not JSON",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("reward_model.ground_truth", "2"),
        ("turns.0", "first"),
        ("turns.1.text", "second"),
        ("a.b", "a column of its own"),
        ("deep.b.c.d", 5),
        ("cell.answer.0", "yes"),
    ],
)
def test_a_path_leads_to_a_value(path: str, value: object) -> None:
    assert value_at(ROW, path) == value


@pytest.mark.parametrize(
    "path",
    [
        "reward_model.absent",
        "turns.2",
        "turns.-1",
        "turns.first",
        "absent.x",
        "text.x",
        ".",
        "turns.",
    ],
)
def test_a_path_that_leads_nowhere_is_absent(path: str) -> None:
    with pytest.raises(KeyError):
        value_at(ROW, path)


ROWS: list[dict[str, Any]] = [
    {"custom_id": "r1", "body": {"messages": [{"role": "user", "content": "1 + 1?"}]}, "extra": {}},
    {"custom_id": "r2", "body": {"messages": None}, "extra": {"answer": 4}},
]
FIELDS = Fields(prompt="body.messages", id="custom_id", reference="extra.answer")


def parquet(file: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file


def csv(file: Path) -> Path:
    cells = [json.dumps(row["body"]).replace('"', '""') for row in ROWS]
    extra = [json.dumps(row["extra"]).replace('"', '""') for row in ROWS]
    file.write_text(
        "custom_id,body,extra\n"
        + "".join(f'r{n + 1},"{cells[n]}","{extra[n]}"\n' for n in range(len(ROWS)))
    )
    return file


@pytest.mark.parametrize("form", ["p.jsonl", "p.parquet", "p.csv"])
def test_rows_of_all_formats_are_read_by_paths(tmp_path: Path, form: str) -> None:
    writer = {".parquet": parquet, ".csv": csv}.get(Path(form).suffix)
    file = writer(tmp_path / form) if writer else write_jsonl(tmp_path / form, ROWS)
    rows = read(file, fields=FIELDS, keep=["extra.answer"])
    (prompt,) = prompts(rows)
    assert (prompt.id, prompt.messages[0].content) == ("r1", "1 + 1?")
    assert [reason for _, reason in skips(rows)] == ["empty_prompt"]


def test_what_a_path_leads_into_counts_as_used(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "p.jsonl", [{**row, "more": 1} for row in ROWS])
    config = PromptsConfig(path=file, fields=FIELDS)
    source = SourceColumns.of(config)
    assert len(list(read_prompts(config, NO_LIMITS, source=source))) == 2
    assert source.described() == ["read as rows of prompts; 1 column not used: more"]


def test_the_column_without_a_name_that_pandas_writes_is_told(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text(",prompt\n0,Say one.\n1,Say two.\n")
    config = PromptsConfig(path=file)
    source = SourceColumns.of(config)
    assert len(list(read_prompts(config, NO_LIMITS, source=source))) == 2
    told = "read as rows of prompts; 1 column not used: (one without a name)"
    assert source.described() == [told]


def test_a_reference_within_a_column_is_the_reference(tmp_path: Path) -> None:
    rows = [{"prompt": "2 + 2?", "reward_model": {"ground_truth": "4"}}]
    path = "reward_model.ground_truth"
    file = write_jsonl(tmp_path / "p.jsonl", rows)
    (prompt,) = prompts(read(file, fields=Fields(reference=path), keep=[path]))
    assert (prompt.reference, prompt.metadata) == ("4", {path: "4"})


@pytest.mark.parametrize("form", ["p.jsonl", "p.parquet"])
def test_a_path_that_leads_nowhere_in_all_rows_is_a_mistake(tmp_path: Path, form: str) -> None:
    file = tmp_path / form
    written = parquet(file) if form.endswith("parquet") else write_jsonl(file, ROWS)
    fields = Fields(prompt="body.messages", reference="extra.anwser")
    with pytest.raises(InputError, match=r"there is no column `extra\.anwser`"):
        read(written, fields=fields)
