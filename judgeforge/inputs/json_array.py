"""JSON files that hold one list of rows, read row by row.

A reader of our own: the rows are found by their brackets and each is decoded by itself, so that a
row that is too long is never held in memory and one that is no JSON costs one row. A streaming JSON
parser (ijson) holds values of any size, and cannot read on after a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from judgeforge.errors import InputError
from judgeforge.inputs.files import LONGEST_LINE, damaged, text_lines
from judgeforge.inputs.lines import parse_row, read_jsonl
from judgeforge.inputs.packed import DAMAGED, OpenedFile, open_file
from judgeforge.inputs.rows import BadRow, RawRow
from judgeforge.inputs.source_columns import SourceColumns
from judgeforge.records import SkipReason

_PIECE_BYTES = 1 << 16
_BETWEEN = re.compile(rb'"|[\[{]+|[\]},]')
_INSIDE = re.compile(rb'"|[\[{]+|[\]}]+')
"""What matters between rows, and inside one; runs of brackets, since they may be long."""
_OPENING, _ENDS = b"[{", (b",", b"]", b"}")
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_UTF8_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"


def read(path: Path, columns: SourceColumns) -> Iterator[RawRow | BadRow]:
    """Rows by their number. One object a line is read as JSON Lines, whatever the file's name.

    Raises InputError for a file that is neither.
    """
    opened = open_file(path)
    with opened.binary as file:
        try:
            start = file.read(_PIECE_BYTES)
        except DAMAGED as error:
            damaged(path, opened, 0, error)
        start = start.removeprefix(_UTF8_BOM).lstrip(_BLANKS)
        if start.startswith(b"["):
            rows = _rows(path, opened, _Rows(), start[1:])
            yield from columns.watch(rows, str(path))
            return
    _require_lines(path)
    yield from read_jsonl(path, columns)


def _require_lines(path: Path) -> None:
    """Raises InputError where the first line is not an object by itself, or one of columns."""
    for line in text_lines(path):
        if isinstance(line, BadRow):
            return
        if line[1].strip():
            row = parse_row(*line)
            if isinstance(row, BadRow):
                break
            if row.columns and all(_is_column(value) for value in row.columns.values()):
                raise InputError(
                    f"{path}: holds columns in place of rows, as pandas' to_json() writes them; "
                    "write `to_json(…, orient='records', lines=True)`"
                )
            return
    raise InputError(
        f"{path}: is not a list of rows; write `[{{…}}, {{…}}]`, or one JSON object a line (JSONL)"
    )


def _is_column(value: object) -> bool:
    """Whether it has a value for each row of a table, by its number."""
    return isinstance(value, dict) and "0" in value


class _Rows:
    """Finds where rows end in pieces of the text of a list; what is not a row yet is kept."""

    def __init__(self) -> None:
        self.number = 0
        """Of the rows that have ended."""
        self.ended = False
        """Whether the list has."""
        self.broken = False
        """Whether more follows it."""
        self._row = bytearray()
        self._longer = False
        self._depth = 0
        self._in_string = False
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[RawRow | BadRow]:
        text, place, taken = self._rest + piece, 0, 0
        self._rest = b""
        while place < len(text) and not self.ended:
            if self._in_string:
                end = _IN_STRING.match(text, place)
                place = end.end() if end else place
                if text[place : place + 1] == b"\\":  # what it escapes is in the next piece
                    self._rest = text[place:]
                    text = text[:place]
                self._in_string = place >= len(text)
                place += 1
                continue
            mark = (_INSIDE if self._depth else _BETWEEN).search(text, place)
            if mark is None:
                break
            is_inside = self._depth > 0
            place = mark.start() + self._take(mark.group())
            if not is_inside and mark.group()[:1] in _ENDS:
                self._keep(text[taken : place - 1])
                taken = place
                yield from self._finish()
        if not self.ended:
            self._keep(text[taken:])
        elif text[taken:].strip(_BLANKS):
            self.broken = True
            yield self._bad("more follows after the end of the list; write one list")

    def break_off(self) -> Iterator[RawRow | BadRow]:
        """What is left where the file ends: nothing, where its list has ended before."""
        if not self.ended:
            is_whole = not self._depth and not self._in_string
            if is_whole and bytes(self._row).strip(_BLANKS):
                yield from self._finish()
            yield self._bad("the list does not end; the rows before this place are read")

    def _take(self, mark: bytes) -> int:
        """How many bytes of a run of marks are taken: brackets close no more than is open."""
        if mark == b'"':
            self._in_string = True
        elif mark[:1] in _OPENING:
            self._depth += len(mark)
        elif self._depth:
            closed = min(len(mark), self._depth)
            self._depth -= closed
            return closed
        elif mark != b",":
            self.ended = True
            return 1
        return len(mark)

    def _keep(self, part: bytes) -> None:
        if not self._longer:
            self._row += part
        if len(self._row) > LONGEST_LINE:
            self._longer = True
            self._row.clear()

    def _finish(self) -> Iterator[RawRow | BadRow]:
        row, longer = bytes(self._row).strip(_BLANKS), self._longer
        self._row.clear()
        self._longer = False
        if not row and not longer and self.ended:
            return  # an empty list, or a comma after the last row
        self.number += 1
        if longer:
            detail = f"the row is longer than {LONGEST_LINE >> 20} MiB; split or shorten it"
            yield BadRow(self.number, SkipReason.TOO_LONG, detail)
        else:
            yield _decoded(self.number, row)

    def _bad(self, detail: str) -> BadRow:
        return BadRow(self.number + 1, SkipReason.INVALID_ROW, detail)


def _rows(path: Path, opened: OpenedFile, rows: _Rows, piece: bytes) -> Iterator[RawRow | BadRow]:
    try:
        while piece:
            yield from rows.feed(piece)
            opened.refuse_bomb(path, rows.number)
            if rows.broken:
                return
            piece = opened.binary.read(_PIECE_BYTES)
        yield from rows.break_off()
    except DAMAGED as error:
        yield damaged(path, opened, rows.number, error)
    except OSError as error:
        detail = f"cannot be read from row {rows.number + 1} on: {error.strerror}"
        raise InputError(f"{path}: {detail}") from error


def _decoded(number: int, row: bytes) -> RawRow | BadRow:
    try:
        text = row.decode()
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the row is not UTF-8; save the file as UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
    return parse_row(number, text, "row")
