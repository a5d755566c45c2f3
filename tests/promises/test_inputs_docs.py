"""docs/inputs.md shows one example of each form, and each is read as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from judgeforge.config.choices import PACKED_SUFFIXES, ROW_FORMATS, ROW_SHAPES
from judgeforge.records import Prompt
from tests.support.foreign_rows import JUDGED, read_rows

PAGE = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- (\S+) (\w+) (\{[^\n]*\}) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
SAMPLED = {"prompts.jsonl", "sharegpt.json", "finetuning.jsonl", "alpaca.json", "transcript.jsonl"}


@pytest.mark.parametrize(("name", "shape", "options", "text"), EXAMPLES, ids=lambda v: str(v)[:20])
def test_an_example_is_read_as_the_page_says(
    tmp_path: Path, name: str, shape: str, options: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    checks = None if name in SAMPLED else JUDGED
    rows, source = read_rows(file, checks, **json.loads(options))
    assert all(isinstance(row, Prompt) for row in rows), rows
    assert dict(source.shapes) == {shape: len(rows)}
    if checks is not None:
        assert all(len(row.completions) > 1 for row in rows if isinstance(row, Prompt))


def test_every_shape_has_an_example() -> None:
    assert {shape for _, shape, _, _ in EXAMPLES} == ROW_SHAPES.keys()
    assert all(f"`{name}`" in PAGE for name in ROW_SHAPES)


def test_every_ending_is_named() -> None:
    endings = {ending for each in ROW_FORMATS.values() for ending in each.suffixes}
    assert all(f"`{ending}`" in PAGE for ending in endings | PACKED_SUFFIXES.keys())
