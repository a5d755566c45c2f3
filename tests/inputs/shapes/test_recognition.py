"""Rows are recognised by their columns, and never guessed where they can be read in two ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.config.choices import ROW_SHAPES
from judgeforge.config.run import Fields
from judgeforge.errors import InputError
from judgeforge.inputs.rows import RowProblemError
from judgeforge.inputs.shapes.recognition import recognise, shapes
from judgeforge.records import Prompt
from tests.support.foreign_rows import JUDGED, only_prompt, only_skip, read_rows, write_rows


def name_of(*columns: str, judged: bool = False, **fields: str | None) -> str:
    return recognise(columns, Fields(**fields), completions_wanted=judged).name


def test_every_line_of_the_table_is_a_shape() -> None:
    assert shapes().keys() == ROW_SHAPES.keys()
    assert all(shape.title and shape.needs for shape in shapes().values())


@pytest.mark.parametrize(
    ("columns", "sampled", "judged"),
    [
        (["prompt"], "prompts", "prompts"),
        (["prompt", "messages", "instruction"], "prompts", "prompts"),
        (["prompt", "chosen", "rejected"], "prompts", "preference"),
        (["prompt", "completions", "chosen", "rejected"], "prompts", "prompts"),
        (["chosen", "rejected"], "preference", "preference"),
        (["chosen", "rejected", "messages", "prompt"], "prompts", "preference"),
        (["messages"], "messages", "messages"),
        (["conversations", "system", "tools"], "sharegpt", "sharegpt"),
        (["instruction", "output"], "alpaca", "alpaca"),
        (["context", "response1", "response2", "overall_preference"], "comparison", "comparison"),
        (["prompt", "response", "helpfulness"], "prompts", "scored"),
        (["text"], "prompts", "prompts"),
        (["question", "answer"], "prompts", "prompts"),
    ],
)
def test_columns_make_a_shape(columns: list[str], sampled: str, judged: str) -> None:
    assert name_of(*columns) == sampled
    assert name_of(*columns, judged=True) == judged


def test_a_column_that_the_configuration_calls_the_prompt_decides() -> None:
    assert name_of("instruction", "messages", prompt="instruction") == "prompts"
    assert name_of("instruction", "chosen", "rejected", prompt="instruction") == "prompts"
    assert name_of("x", "chosen", "rejected", prompt="x", judged=True) == "preference"


@pytest.mark.parametrize(
    "columns",
    [
        ("messages", "conversations"),
        ("instruction", "messages"),
        ("messages", "chosen", "rejected"),
    ],
)
def test_two_readings_are_a_mistake_that_names_both(columns: tuple[str, ...]) -> None:
    with pytest.raises(RowProblemError) as found:
        name_of(*columns)
    named = [name for name in ROW_SHAPES if f"(`{name}`)" in found.value.detail]
    assert len(named) == 2
    assert "`prompts: {shape: " in found.value.detail


ROW: dict[str, Any] = {
    "instruction": "Why?",
    "messages": [{"role": "user", "content": "How?"}],
}


def test_a_table_that_can_be_read_in_two_ways_is_an_error_and_a_row_a_skip(tmp_path: Path) -> None:
    assert "2 ways" in only_skip(tmp_path, ROW).detail
    with pytest.raises(InputError, match="2 ways"):
        read_rows(write_rows(tmp_path / "p.parquet", [ROW]))


@pytest.mark.parametrize(("shape", "text"), [("alpaca", "Why?"), ("messages", "How?")])
@pytest.mark.parametrize("name", ["p.parquet", "p.jsonl"])
def test_the_configuration_chooses(tmp_path: Path, shape: str, text: str, name: str) -> None:
    rows, _ = read_rows(write_rows(tmp_path / name, [ROW]), shape=shape)
    assert text in str(rows[0])


def test_a_shape_that_the_columns_do_not_make_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column `conversations`"):
        read_rows(write_rows(tmp_path / "p.parquet", [ROW]), shape="sharegpt")
    assert "conversations" in only_skip(tmp_path, ROW, shape="sharegpt").detail


def test_columns_that_are_not_used_cost_no_row(tmp_path: Path) -> None:
    row = {"prompt": "Why?", "score": float("nan"), "best": float("inf"), "odd": [{"a": None}]}
    assert only_prompt(tmp_path, row).id == only_prompt(tmp_path, {"prompt": "Why?"}).id
    file = tmp_path / "long.jsonl"
    file.write_text('{"prompt": "Why?", "digits": ' + "9" * 5000 + "}\n", encoding="utf-8")
    (long,), _ = read_rows(file)
    assert isinstance(long, Prompt)


def test_texts_of_json_are_read_in_any_format(tmp_path: Path) -> None:
    texts = {"prompt": "Why?", "metadata": '{"a": 1}', "completions": '["x", {"answer": "y"}]'}
    values = {"prompt": "Why?", "metadata": {"a": 1}, "completions": ["x", "y"]}
    for name in ("p.jsonl", "p.json", "p.parquet"):
        (prompt,), _ = read_rows(write_rows(tmp_path / name, [texts]), JUDGED)
        assert prompt.id == only_prompt(tmp_path, values, JUDGED).id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("completion", "says"),
    [
        ({"response": "x", "answer": "y"}, "has its text under `response`, `answer`"),
        ({"role": "user", "content": "x"}, "of another role than assistant"),
        ([{"role": "assistant", "content": "x"}] * 2, "has 2 messages"),
        ({"score": 3}, "found an object with score"),
    ],
)
def test_a_completion_in_no_known_form_is_a_named_skip(
    tmp_path: Path, completion: object, says: str
) -> None:
    row = {"prompt": "Why?", "completions": [completion, "b"]}
    assert says in only_skip(tmp_path, row, JUDGED).detail


def test_kept_columns_join_the_metadata(tmp_path: Path) -> None:
    row = {"prompt": "Why?", "source": "web", "score": float("nan"), "metadata": {"domain": "law"}}
    prompt = only_prompt(tmp_path, row, keep=["source", "domain", "score"])
    assert prompt.metadata == {"source": "web", "domain": "law"}
    same = only_prompt(tmp_path, {**row, "metadata": {"source": "web"}}, keep="source")
    assert same.metadata == {"source": "web"}
    other = {**row, "metadata": {"source": "book"}}
    assert "they differ" in only_skip(tmp_path, other, keep=["source"]).detail


def test_a_column_to_keep_that_json_cannot_have_is_named(tmp_path: Path) -> None:
    row = {"prompt": "Hi", "metadata": {"n": 1}, "scores": [1.0, float("nan")]}
    detail = only_skip(tmp_path, row, keep=["scores"]).detail
    assert "`scores`, which `prompts.keep` names, cannot be written as JSON" in detail
    assert only_prompt(tmp_path, row).metadata == {"n": 1}
