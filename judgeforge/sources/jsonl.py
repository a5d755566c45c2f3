"""JSON lines: one object a line. Blank lines are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from judgeforge.config import Fields
from judgeforge.records import SkipReason
from judgeforge.sources.columns import watch_columns
from judgeforge.sources.files import text_lines
from judgeforge.sources.raw import BadRow, RawRow
from judgeforge.sources.row_checks import kind_of
from judgeforge.sources.strict_json import parse_json


def read(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    return watch_columns(_rows(path), str(path), fields)


def _rows(path: Path) -> Iterator[RawRow | BadRow]:
    for line in text_lines(path):
        if isinstance(line, BadRow):
            yield line
            continue
        number, text = line
        if text and not text.isspace():
            yield _parsed(number, text)


def _parsed(number: int, text: str) -> RawRow | BadRow:
    try:
        value = parse_json(text)
    except ValueError as error:
        detail = f"the line is not JSON: {error}; write one JSON object a line"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    if not isinstance(value, dict):
        detail = f"the line holds {kind_of(value)}; write one JSON object a line"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    return RawRow(number, value)
