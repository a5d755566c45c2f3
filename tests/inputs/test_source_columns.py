"""Columns that are not read, where the words of a row need what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.input_files import only_skip, read, texts, write, write_jsonl


@pytest.mark.parametrize("column", ["image", "images"])
@pytest.mark.parametrize("place", ["<image>", "<image_1>", "<|image|>", "<|image_pad|>"])
def test_words_with_a_place_for_a_picture_in_a_column_are_a_skip(
    tmp_path: Path, column: str, place: str
) -> None:
    row: dict[str, Any] = {"prompt": f"{place}\nWhat is it?", column: "cat.png"}
    skip = only_skip(read(write_jsonl(tmp_path / "p.jsonl", [row])))
    assert (skip.reason, skip.line) == ("invalid_row", 1)
    assert f"`{place}`" in skip.detail
    assert "as a part `image_url`" in skip.detail


def test_so_they_are_in_a_table_of_which_that_column_is_not_read(tmp_path: Path) -> None:
    file = write(tmp_path / "p.csv", "prompt,image\n<image> What is it?,cat.png\nHello,dog.png\n")
    rows = read(file)
    assert texts(rows) == ["Hello"]
    assert only_skip(rows[:1]).reason == "invalid_row"


@pytest.mark.parametrize("more", [{}, {"image": None}, {"images": []}])
def test_where_there_is_no_picture_it_is_a_word_like_others(
    tmp_path: Path, more: dict[str, object]
) -> None:
    row = {"prompt": "What does <image> do in a template?", **more}
    assert texts(read(write_jsonl(tmp_path / "p.jsonl", [row]))) == [row["prompt"]]
