"""Plain text: one prompt a line. Blank lines are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from judgeforge.sources.files import text_lines
from judgeforge.sources.raw import BadRow, RawRow


def read(path: Path, column: str) -> Iterator[RawRow | BadRow]:
    for line in text_lines(path):
        if isinstance(line, BadRow):
            yield line
        elif line[1].strip():
            yield RawRow(line[0], {column: line[1]})
