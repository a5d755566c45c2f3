"""Evaluation sets are read by the readers of prompts, in the columns that such sets have."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from judgeforge.config.run import ContaminationConfig
from judgeforge.errors import InputError
from judgeforge.inputs.cleaning.evaluation_sets import evaluation_rows
from tests.support.input_files import write, write_jsonl

TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
FROM = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]


def texts(*against: Any, **more: Any) -> list[str]:
    config = ContaminationConfig.model_validate({"against": list(against), **more})
    return [row.text for row in evaluation_rows(config)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": "Why?", "question": "not this"}, "Why?"),
        ({"question": "Why?", "answer": "So."}, "Why?"),
        ({"Problem": "Why?", "Answer": 3}, "Why?"),
        ({"instruction": "Why?", "input": "It is so."}, "Why?\nIt is so."),
        ({"input": "Why?", "target": "So."}, "Why?"),
        ({"prompt": ["Why?", "And then?"]}, ["Why?", "And then?"]),
        ({"messages": TURNS}, "Why?"),
        ({"conversations": FROM}, ["Why?", "So."]),
        ({"prompt": None, "problem_statement": "Why?"}, "Why?"),
    ],
)
def test_what_a_row_asks_is_known_by_the_name_of_its_column(
    tmp_path: Path, row: dict[str, Any], said: str | list[str]
) -> None:
    expected = [said] if isinstance(said, str) else said
    assert texts(write_jsonl(tmp_path / "e.jsonl", [row])) == expected


def test_another_column_is_named_by_the_configuration(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "e.jsonl", [{"question": "Why?", "stem": "How?"}])
    assert texts(file, column="stem") == ["How?"]
    csv = write(tmp_path / "e.csv", "question,stem\nWhy?,How?\n")
    assert texts(csv, column="stem") == ["How?"]


def test_every_format_a_folder_and_a_dataset_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "sets"
    (folder / "deep").mkdir(parents=True)
    write_jsonl(folder / "a.jsonl", [{"question": "one"}, {"question": " "}])
    write(folder / "b.csv", "question,answer\ntwo,2\n")
    write(folder / "c.txt", "three\n\nfour\n")
    write(folder / "deep" / "d.json.gz", gzip.compress(json.dumps([{"problem": "five"}]).encode()))
    write(folder / "README.md", "no set")
    table = datasets.Dataset.from_dict({"question": ["six"], "answer": ["6"]})
    table.to_parquet(str(folder / "e.parquet"))
    table.save_to_disk(str(tmp_path / "saved"))
    datasets.DatasetDict({"test": table}).save_to_disk(str(tmp_path / "splits"))
    in_files = ["one", "two", "three", "four", "five", "six"]
    assert sorted(texts(folder)) == sorted(in_files)
    named = {"name": str(tmp_path / "splits"), "split": "test"}
    assert texts(tmp_path / "saved", tmp_path / "splits", named) == ["six"] * 3


def test_a_row_is_named_by_its_set_and_its_line(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "e.jsonl", [{"question": "one"}, {}, {"question": "two"}])
    rows = evaluation_rows(ContaminationConfig(against=[file]))
    assert [row.place for row in rows] == [f"{file}:1", f"{file}:3"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("e.jsonl", '{"stem": "Why?"}\n', r"e\.jsonl: no row has a text in prompt, .*stem.*column"),
        ("e.csv", "stem\nWhy?\n", r"e\.csv: no row has a text in prompt, .*stem.*column"),
        (
            "e.jsonl",
            '{"question": "Why?"}\n{"quest\n',
            r"e\.jsonl:2: .*could not be left out; repair",
        ),
        ("gone.jsonl", None, "there is no such file"),
        ("e.docx", "x", "its ending tells no format"),
        ("e.arrow", "x", "`hf: {name: FOLDER}` reads all Arrow files in it"),
    ],
)
def test_a_set_that_cannot_be_used_is_an_error_that_says_why(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(InputError, match=said):
        texts(tmp_path / name)


def test_a_folder_without_files_of_a_known_format_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "README.md", "no set")
    with pytest.raises(InputError, match="has no file of an evaluation set"):
        texts(tmp_path)
