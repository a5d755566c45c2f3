"""Rows of the shapes in which public sets have them, and what a run reads from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import Prompt, Skip

JUDGED = RowChecks(needs_completions=True)
"""Nothing is sampled: what rows bring is judged."""


def write_rows(file: Path, rows: Iterable[Any]) -> Path:
    """By the ending of the name: JSON Lines, a list of JSON, or Parquet."""
    found = list(rows)
    if file.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(found), file)
    elif file.suffix == ".json":
        file.write_text(json.dumps(found), encoding="utf-8")
    else:
        lines = "".join(json.dumps(row) + "\n" for row in found)
        file.write_text(lines, encoding="utf-8")
    return file


def read_rows(
    file: Path, checks: RowChecks | None = None, **prompts: Any
) -> tuple[list[Prompt | Skip], SourceColumns]:
    """With what was found out about the columns."""
    config = PromptsConfig(path=file, **prompts)
    checks = checks or RowChecks()
    source = SourceColumns.of(config, completions_wanted=checks.needs_completions)
    return list(read_prompts(config, checks, source=source)), source


def only_prompt(
    folder: Path, row: dict[str, Any], checks: RowChecks | None = None, **prompts: Any
) -> Prompt:
    """What one row is read as."""
    rows, _ = read_rows(write_rows(folder / "rows.jsonl", [row]), checks, **prompts)
    (found,) = rows
    assert isinstance(found, Prompt), found
    return found


def only_skip(
    folder: Path, row: dict[str, Any], checks: RowChecks | None = None, **prompts: Any
) -> Skip:
    rows, _ = read_rows(write_rows(folder / "rows.jsonl", [row]), checks, **prompts)
    (found,) = rows
    assert isinstance(found, Skip), found
    return found


def said(prompt: Prompt) -> list[tuple[str, str]]:
    """Role and text of each turn."""
    return [(turn.role, turn.text) for turn in prompt.messages]


def answers(prompt: Prompt) -> list[tuple[str | None, str]]:
    """Given side and text of each completion."""
    return [(one.given, one.text) for one in prompt.completions]
