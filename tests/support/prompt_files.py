"""Prompt files written by hand, and what is read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from judgeforge.config.run import PromptsConfig
from judgeforge.inputs.reading import read_prompts
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.records import Prompt, Skip


def read(
    path: Path, checks: RowChecks | None = None, *, limit: int | None = None, **settings: Any
) -> list[Prompt | Skip]:
    config = PromptsConfig(path=path, **settings)
    return list(read_prompts(config, checks or RowChecks(), limit=limit))


def texts(rows: Iterable[Prompt | Skip]) -> list[str]:
    """What the last message asks; a skip raises."""
    return [prompt(row).messages[-1].content for row in rows]


def prompt(row: Prompt | Skip) -> Prompt:
    assert isinstance(row, Prompt), row
    return row


def skip(row: Prompt | Skip) -> Skip:
    assert isinstance(row, Skip), row
    return row


def jsonl(folder: Path, *rows: object, name: str = "prompts.jsonl") -> Path:
    """Text stands as it is, other rows as JSON."""
    file = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file
