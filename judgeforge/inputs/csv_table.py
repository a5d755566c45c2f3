"""CSV and TSV with a header. Columns for metadata, completions and messages may contain JSON.

Read strictly: a stray quote would otherwise swallow the rows that follow. Where a row cannot be
read, reading continues with the line after its first, so that one bad quote costs one row.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judgeforge.config.run import Fields
from judgeforge.errors import InputError
from judgeforge.inputs.files import text_lines
from judgeforge.inputs.rows import SURROGATE, BadRow, RawRow
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import SkipReason

LONGEST_ROW = 4 * 1024 * 1024
"""Bytes of a line, and characters of a row of several lines; csv takes 4 times that to read it."""

_Row = tuple[int, list[str]]
_FORMAT_OF = {"\t": "say `format: tsv`", ",": "say `format: csv`"}


def read(path: Path, source: SourceColumns) -> Iterator[RawRow | BadRow]:
    """Raises InputError for a header that cannot be used."""
    return _read(path, source, ",")


def read_tsv(path: Path, source: SourceColumns) -> Iterator[RawRow | BadRow]:
    """The same with a tab between cells."""
    return _read(path, source, "\t")


def _read(path: Path, source: SourceColumns, separator: str) -> Iterator[RawRow | BadRow]:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW))
    rows = _rows(_Lines(path), separator)
    header = _header(path, next(rows, None), source, separator)
    for row in rows:
        yield row if isinstance(row, BadRow) else _named(row, header, source.fields)


class _UnreadableLineError(Exception):
    def __init__(self, row: BadRow) -> None:
        super().__init__(row.detail)
        self.row = row


class _Lines:
    """Feeds lines to the csv reader and can take back those of a row that went wrong."""

    def __init__(self, path: Path) -> None:
        self._lines = text_lines(path, longest=LONGEST_ROW, errors="surrogateescape")
        self._again: deque[tuple[int, str] | BadRow] = deque()
        self.taken: list[tuple[int, str]] = []
        self._characters = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        if isinstance(line, BadRow):
            if not self.taken:
                raise _UnreadableLineError(line)
            self._again.appendleft(line)
            raise csv.Error("the row does not end before a line that cannot be read")
        self.taken.append(line)
        self._characters += len(line[1])
        if self._characters > LONGEST_ROW:
            raise csv.Error(f"the row does not end within {LONGEST_ROW >> 20} MiB")
        return line[1] + "\n"

    def begin_row(self) -> None:
        self.taken.clear()
        self._characters = 0

    def take_back(self) -> None:
        """All lines of the row but its first are read again."""
        self._again.extendleft(reversed(self.taken[1:]))

    @property
    def blank(self) -> bool:
        return len(self.taken) == 1 and not self.taken[0][1].strip()


def _rows(lines: _Lines, separator: str) -> Iterator[_Row | BadRow]:
    """Rows by the number of the line on which they begin, without blank lines."""
    reader = csv.reader(lines, strict=True, delimiter=separator)
    while True:
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _UnreadableLineError as error:
            yield error.row
            continue
        except csv.Error as error:
            lines.take_back()
            detail = f"the row is not CSV ({error}); quote its cells, double the quotes in them"
            yield BadRow(lines.taken[0][0], SkipReason.INVALID_ROW, detail)
            continue
        if lines.blank:
            continue
        number = lines.taken[0][0]
        if any(not cell.isascii() and SURROGATE.search(cell) for cell in cells):
            detail = "the row is not UTF-8; save the file as UTF-8"
            yield BadRow(number, SkipReason.INVALID_ENCODING, detail)
            continue
        yield number, cells


def _header(
    path: Path, row: _Row | BadRow | None, source: SourceColumns, separator: str
) -> list[str]:
    if row is None:
        raise InputError(f"{path}: has no header; name the columns in the first row")
    if isinstance(row, BadRow):
        raise InputError(f"{path}:{row.line}: the header cannot be read: {row.detail}")
    header = row[1]
    marks = (mark for mark in ",;\t|" if mark != separator)
    other = next((mark for mark in marks if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        advice = _FORMAT_OF.get(other, "separate them by commas")
        raise InputError(f"{path}: columns are separated by {other!r}; {advice}")
    wanted = source.of_header(str(path), header)
    double = next((name for name in wanted if header.count(name) > 1), None)
    if double is not None:
        raise InputError(f"{path}: two columns are called `{double}`; rename one of them")
    return header


def _named(row: _Row, header: list[str], fields: Fields) -> RawRow | BadRow:
    number, cells = row
    if len(cells) != len(header):
        detail = (
            f"the row has {len(cells)} cells, the header {len(header)}; "
            "quote cells that contain the separator"
        )
        return BadRow(number, SkipReason.INVALID_ROW, detail)
    columns: dict[str, Any] = dict(zip(header, cells, strict=True))
    for name in filter(None, (fields.id, fields.reference, fields.metadata, fields.completions)):
        if columns.get(name) == "":
            columns[name] = None
    return RawRow(number, columns)
