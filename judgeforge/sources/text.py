"""Plain text: one prompt a line. Blank lines are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from judgeforge.config import Fields
from judgeforge.errors import InputError
from judgeforge.sources.columns import named
from judgeforge.sources.files import text_lines
from judgeforge.sources.raw import BadRow, RawRow


def read(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    """Raises InputError where `fields:` asks for more than prompts."""
    more = [field for field in named(fields).values() if field != "prompt"]
    if more:
        raise InputError(
            f"{path}: plain text holds prompts only, so `fields: {{{more[0]}: …}}` names nothing; "
            "take it out, or use JSONL, CSV or Parquet"
        )
    for line in text_lines(path):
        if isinstance(line, BadRow):
            yield line
        elif line[1] and not line[1].isspace():
            yield RawRow(line[0], {fields.prompt: line[1]})
