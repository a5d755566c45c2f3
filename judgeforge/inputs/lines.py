"""Sources of one prompt a line: JSON Lines (one object a line) and plain text.

Blank lines are ignored. JSON is read by its standard: no NaN, no infinity.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from judgeforge.config.run import Fields
from judgeforge.errors import InputError
from judgeforge.inputs.files import text_lines
from judgeforge.inputs.rows import BadRow, RawRow, kind_of, named, watch_columns
from judgeforge.records import SkipReason


def read_jsonl(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    lines = _filled_lines(path)
    rows = (line if isinstance(line, BadRow) else _parsed(*line) for line in lines)
    return watch_columns(rows, str(path), fields)


def read_text(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    """Raises InputError where `fields:` asks for more than prompts."""
    more = [field for field in named(fields).values() if field != "prompt"]
    if more:
        raise InputError(
            f"{path}: plain text has prompts only, so `fields: {{{more[0]}: …}}` names nothing; "
            "remove it, or use JSONL, CSV or Parquet"
        )
    for line in _filled_lines(path):
        yield line if isinstance(line, BadRow) else RawRow(line[0], {fields.prompt: line[1]})


def parse_json(text: str) -> Any:  # noqa: ANN401
    """Raises ValueError with a short reason, for nesting that is too deep too."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _filled_lines(path: Path) -> Iterator[tuple[int, str] | BadRow]:
    for line in text_lines(path):
        if isinstance(line, BadRow) or (line[1] and not line[1].isspace()):
            yield line


def _parsed(number: int, text: str) -> RawRow | BadRow:
    try:
        value = parse_json(text)
    except ValueError as error:
        detail = f"the line is not JSON: {error}; write one JSON object a line"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    if not isinstance(value, dict):
        detail = f"the line is {kind_of(value)}; write one JSON object a line"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    return RawRow(number, value)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# json.loads with an option builds a decoder for each call.
_DECODER = json.JSONDecoder(parse_constant=_refuse)
