"""JSON lines: one object a line. Blank lines are ignored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from judgeforge.records import SkipReason
from judgeforge.sources.files import text_lines
from judgeforge.sources.raw import BadRow, RawRow


def read(path: Path) -> Iterator[RawRow | BadRow]:
    for line in text_lines(path):
        if isinstance(line, BadRow):
            yield line
            continue
        number, text = line
        if not text.strip():
            continue
        yield _parsed(number, text)


def _parsed(number: int, text: str) -> RawRow | BadRow:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return BadRow(number, SkipReason.INVALID_ROW, f"the line is not JSON: {error}")
    if not isinstance(value, dict):
        kind = type(value).__name__
        return BadRow(number, SkipReason.INVALID_ROW, f"the line is a {kind}, not an object")
    return RawRow(number, value)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
