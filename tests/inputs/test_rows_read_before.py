"""Rows that could be read before there were shapes are the same rows: their digests are those that
the version before wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judgeforge.records import Prompt
from tests.support.foreign_rows import JUDGED, read_rows, write_rows

TURNS = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("e57d7bc29f26f088", {"prompt": "Why?"}),
    (
        "b239e5f8fa078e39",
        {"prompt": "\n\nHuman: Why?\n\nAssistant:", "chosen": "a", "rejected": "b"},
    ),
    (
        "3d6c5ddcac4702a1",
        {
            "prompt": "Why?",
            "messages": [{"role": "user", "content": "x"}],
            "instruction": "How?",
            "output": "y",
        },
    ),
    ("a5f5ee55a2c1b5d6", {"id": "a", "prompt": TURNS, "reference": "r", "metadata": {"k": 1}}),
    ("710222928802b359", {"prompt": "[{'role': 'user', 'content': 'Hi'}]"}),
    ("801f41e83f5fb385", {"prompt": "Who?", "response": "r", "helpfulness": 3, "tools": []}),
]
ODD = {"text": "b", "model": "m", "response": "c", "score": 3, "given": "chosen"}
WITH_COMPLETIONS = {
    "prompt": "Why?",
    "completions": ["a", ODD],
    "chosen": "x",
    "rejected": "y",
}


def digests(folder: Path, rows: list[dict[str, Any]], **options: Any) -> list[str]:
    file = write_rows(folder / "rows.jsonl", rows)
    found, _ = read_rows(file, duplicate_prompts="keep", **options)
    return [row.digest[:16] for row in found if isinstance(row, Prompt)]


def test_prompts(tmp_path: Path) -> None:
    assert digests(tmp_path, [row for _, row in ROWS]) == [digest for digest, _ in ROWS]


@pytest.mark.parametrize("judged", [True, False])
def test_rows_with_completions(tmp_path: Path, judged: bool) -> None:
    options = {"checks": JUDGED} if judged else {}
    assert digests(tmp_path, [WITH_COMPLETIONS], **options) == ["c22436afff7c1a12"]


def test_a_prompt_in_a_column_that_the_configuration_names(tmp_path: Path) -> None:
    rows = [{"instruction": "What?", "input": "x", "output": "y", "messages": []}]
    found = digests(tmp_path, rows, fields={"prompt": "instruction"})
    assert found == ["f2114d2f6c0b9e6b"]
