"""CSV with a header. Columns for messages, metadata and completions hold JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgeforge.config import Fields
from judgeforge.errors import InputError
from judgeforge.records import SkipReason
from judgeforge.sources.files import LONGEST_LINE, text_lines
from judgeforge.sources.raw import BadRow, RawRow


def read(path: Path, fields: Fields) -> Iterator[RawRow | BadRow]:
    csv.field_size_limit(LONGEST_LINE)
    broken: list[BadRow] = []
    rows = csv.reader(_only_text(path, broken))
    header: list[str] | None = None
    line = 1
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            yield BadRow(line, SkipReason.INVALID_ROW, f"the row is not CSV: {error}")
            continue
        finally:
            start, line = line, rows.line_num + len(broken) + 1
        yield from broken
        broken.clear()
        if not cells:
            continue
        if header is None:
            header = _header(path, cells, fields)
            continue
        if len(cells) != len(header):
            detail = f"the row has {len(cells)} cells, the header has {len(header)}"
            yield BadRow(start, SkipReason.INVALID_ROW, detail)
            continue
        yield RawRow(start, _columns(dict(zip(header, cells, strict=True)), fields))
    yield from broken


def _only_text(path: Path, broken: list[BadRow]) -> Iterator[str]:
    for line in text_lines(path):
        if isinstance(line, BadRow):
            broken.append(line)
            continue
        yield line[1] + "\n"


def _header(path: Path, cells: list[str], fields: Fields) -> list[str]:
    if fields.prompt not in cells:
        raise InputError(
            f"{path}: the header has no column `{fields.prompt}` (it has {', '.join(cells)}). "
            "Map it with `fields: {prompt: COLUMN}`."
        )
    return cells


def _columns(row: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Empty optional cells are absent; JSON cells are read where they look like JSON."""
    for name in (fields.id, fields.reference, fields.metadata, fields.completions):
        if row.get(name) == "":
            del row[name]
    for name in (fields.prompt, fields.metadata, fields.completions):
        text = row.get(name, "")
        if name == fields.prompt and not text.lstrip().startswith('[{"role"'):
            continue
        if isinstance(text, str) and text.lstrip()[:1] in {"[", "{"}:
            try:
                row[name] = json.loads(text)
            except ValueError:
                continue  # the check of the row says what type was expected
    return row
