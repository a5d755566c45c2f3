"""`fields: {NAME: null}` leaves a column out that only happens to have a field's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgeforge.config.file import load_config
from judgeforge.errors import ConfigError, InputError
from judgeforge.records import RubricId
from judgeforge.runs.preparation.identity import identity
from tests.support.input_files import only_skip, prompts, read, read_hf, write, write_jsonl

STRANGE: dict[str, Any] = {
    "id": [1],
    "reference": ["4"],
    "metadata": "plain",
    "completions": [{"response": "Four.", "model": "a"}],
}


def jsonl(folder: Path, row: dict[str, Any]) -> Path:
    return write_jsonl(folder / "p.jsonl", [row])


def parquet(folder: Path, row: dict[str, Any]) -> Path:
    pq.write_table(pa.Table.from_pylist([row]), folder / "p.parquet")
    return folder / "p.parquet"


@pytest.mark.parametrize("written", [jsonl, parquet])
@pytest.mark.parametrize("field", STRANGE)
def test_a_column_that_is_null_in_fields_is_not_read(
    tmp_path: Path, field: str, written: Callable[[Path, dict[str, Any]], Path]
) -> None:
    file = written(tmp_path, {"prompt": "a", field: STRANGE[field]})
    refused = only_skip(read(file))
    assert f"`fields: {{{field}: null}}` leaves the column out" in refused.detail
    (prompt,) = prompts(read(file, fields={field: None}))
    assert (prompt.reference, prompt.metadata, prompt.completions) == (None, {}, ())


@pytest.mark.parametrize("written", [jsonl, parquet])
@pytest.mark.parametrize("tools", [["saw"], "a saw", [{"label": "saw"}]])
def test_so_is_a_column_of_tools_of_another_kind(
    tmp_path: Path, tools: object, written: Callable[[Path, dict[str, Any]], Path]
) -> None:
    file = written(tmp_path, {"prompt": "a", "tools": tools})
    assert "`fields: {tools: null}` leaves the column out" in only_skip(read(file)).detail
    (prompt,) = prompts(read(file, fields={"tools": None}))
    assert prompt.tools is None


def test_ids_that_are_no_ids_are_left_out_alike(tmp_path: Path) -> None:
    rows = [{"prompt": "a", "id": "topic"}, {"prompt": "b", "id": "topic"}]
    file = write_jsonl(tmp_path / "p.jsonl", rows)
    _, refused = read(file)
    assert "`fields: {id: null}` leaves the column out" in only_skip([refused]).detail
    assert len(prompts(read(file, fields={"id": None}))) == 2


def test_a_name_that_no_column_has_is_told_with_the_way_to_read_none(tmp_path: Path) -> None:
    for name in ("", "none"):
        file = write_jsonl(tmp_path / "p.jsonl", [{"prompt": "a", "completions": 3}])
        with pytest.raises(InputError, match=r"read none with `fields: \{completions: null\}`"):
            read(file, fields={"completions": name})


def test_all_of_them_at_once_in_csv_and_from_a_dataset(tmp_path: Path) -> None:
    fields: dict[str, Any] = dict.fromkeys(STRANGE)
    table = write(tmp_path / "p.csv", "prompt,id,metadata,completions\na,,not json,not json\n")
    (prompt,) = prompts(read(table, fields=fields))
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_list([{"prompt": "a", **STRANGE}]).save_to_disk(tmp_path / "d")
    (same,) = read_hf(tmp_path / "d", fields)
    assert prompt.id == same.id


def test_plain_text_takes_a_field_that_is_left_out(tmp_path: Path) -> None:
    assert len(prompts(read(write(tmp_path / "p.txt", "a\n"), fields={"id": None}))) == 1


def config(folder: Path, fields: str) -> Path:
    text = f"prompts: {{path: p.jsonl{fields}}}\nrubric: helpfulness\n"
    return write(folder / "c.yaml", text)


def test_the_prompt_itself_cannot_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prompts\.fields\.prompt: found nothing; it takes text"):
        load_config(config(tmp_path, ", fields: {prompt: null}"))


def test_a_configuration_that_leaves_nothing_out_is_the_same_run_as_before(tmp_path: Path) -> None:
    rubric = RubricId(name="r", version=1, sha256="0")
    before = identity(load_config(config(tmp_path, "")), rubric)["prompts"]["fields"]
    assert before == {name: name for name in ("prompt", *STRANGE)}
    left_out = load_config(config(tmp_path, ", fields: {id: null}"))
    assert "id" not in identity(left_out, rubric)["prompts"]["fields"]
