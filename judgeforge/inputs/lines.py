"""Sources of one prompt a line: JSON Lines (one object a line) and plain text.

Blank lines are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NoReturn

from judgeforge.errors import InputError
from judgeforge.inputs.files import text_lines
from judgeforge.inputs.literals import python_value
from judgeforge.inputs.rows import BadRow, RawRow, bad, kind_of
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import SkipReason
from judgeforge.text.visible import quotable


def read_jsonl(path: Path, columns: SourceColumns) -> Iterator[RawRow | BadRow]:
    lines = _filled_lines(path)
    rows = (line if isinstance(line, BadRow) else parse_row(*line) for line in lines)
    return columns.watch(rows, str(path))


def read_text(path: Path, columns: SourceColumns) -> Iterator[RawRow | BadRow]:
    """Raises InputError where `fields:` asks for more than prompts."""
    more = [field for field in columns.named.values() if field != "prompt"]
    if more:
        raise InputError(
            f"{path}: plain text has prompts only, so `fields: {{{more[0]}: …}}` names nothing; "
            "remove it, or use JSON, JSONL, CSV or Parquet"
        )
    for line in _filled_lines(path):
        yield line if isinstance(line, BadRow) else RawRow(line[0], {columns.prompt: line[1]})


def parse_json(text: str) -> Any:  # noqa: ANN401
    """Raises ValueError with a short reason, for nesting that is too deep too."""
    return _decoded(_DECODER, text)


def _decoded(decoder: json.JSONDecoder, text: str) -> Any:  # noqa: ANN401
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def from_json_text(value: object, column: str) -> object:
    """A value that tables hold as text, of JSON or as Python writes it.

    Raises RowProblemError for a text that is neither.
    """
    if not isinstance(value, str):
        return value
    try:
        found: object = parse_json(value)
    except ValueError as error:
        with suppress(ValueError):
            return python_value(value)
        bad(f"the JSON in column `{column}` cannot be read: {error}", unread=column)
    return found


def _filled_lines(path: Path) -> Iterator[tuple[int, str] | BadRow]:
    for line in text_lines(path):
        if isinstance(line, BadRow) or (line[1] and not line[1].isspace()):
            yield line


def parse_row(number: int, text: str, what: Literal["line", "row"] = "line") -> RawRow | BadRow:
    """An object of JSON as a row. NaN and infinity may stand in columns that are not read."""
    try:
        value = _lenient(text)
    except ValueError as error:
        detail = f"the {what} is not JSON: {error}; write one JSON object a {what}"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    if not isinstance(value, dict):
        detail = f"the {what} is {kind_of(value)}; write one JSON object a {what}"
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    if (twice := _written_twice(text, value)) is not None:
        detail = (
            f"the {what} has `{quotable(twice)}` twice, with different values; take one of them out"
        )
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    return RawRow(number, value)


def _written_twice(text: str, row: dict[str, Any]) -> str | None:
    """A key of the row that JSON's readers give the last value of, without a word. A quote within
    a text is escaped, so what a text says of a key is not taken for it."""
    if not any(text.count(f'"{key}"') > 1 for key in row):
        return None
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs[:] = found  # those of the row come last
        return dict(found)

    try:
        json.loads(text, object_pairs_hook=keep)
    except (ValueError, RecursionError):  # a number too long for Python, say
        return None
    return next((key for key, value in pairs if not _is_same(value, row[key])), None)


def _is_same(one: object, other: object) -> bool:
    """NaN is not equal to itself."""
    return one == other or (one != one and other != other)  # noqa: PLR0124


def _lenient(text: str) -> Any:  # noqa: ANN401
    """Raises ValueError."""
    try:
        return _decoded(_LENIENT, text)
    except ValueError:
        # Python reads no number of thousands of digits; one that is not read costs no row.
        if _LONG_NUMBER.search(text) is None:
            raise
        return _decoded(_LENIENT_WITHOUT_LONG_NUMBERS, text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# json.loads with an option builds a decoder for each call.
_DECODER = json.JSONDecoder(parse_constant=_refuse)
_LENIENT = json.JSONDecoder()
_LENIENT_WITHOUT_LONG_NUMBERS = json.JSONDecoder(parse_int=float)
_LONG_NUMBER = re.compile(r"(?<!\d)\d{4300}")
