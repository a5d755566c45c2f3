"""Input files written by a test, and what is read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Prompt, Skip

NO_LIMITS = RowChecks()


def write(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def write_jsonl(file: Path, rows: Iterable[Any]) -> Path:
    return write(file, "".join(json.dumps(row) + "\n" for row in rows))


def read(
    file: Path | list[Path], checks: RowChecks = NO_LIMITS, limit: int | None = None, **options: Any
) -> list[Prompt | Skip]:
    return list(read_prompts(PromptsConfig(path=file, **options), checks, limit=limit))


def read_hf(name: Path | str, fields: dict[str, str] | None = None, **options: Any) -> list[Any]:
    source = {"name": str(name), **options}
    config = PromptsConfig.model_validate({"hf": source, "fields": fields or {}})
    return list(read_prompts(config, NO_LIMITS))


def prompts(rows: Iterable[Prompt | Skip]) -> list[Prompt]:
    return [row for row in rows if isinstance(row, Prompt)]


def skips(rows: Iterable[Prompt | Skip]) -> list[tuple[int, str]]:
    """Line and reason of each skip."""
    return [(row.line, row.reason.value) for row in rows if isinstance(row, Skip)]


def texts(rows: Iterable[Prompt | Skip]) -> list[str]:
    """The last message of each prompt."""
    return [row.messages[-1].content for row in prompts(rows)]


def only_skip(rows: list[Prompt | Skip]) -> Skip:
    (row,) = rows
    assert isinstance(row, Skip)
    return row
