"""The proof at the end of a run that nothing vanished: the files are read and counted again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import read_error
from judgeforge.store.folder import HasLines, RunFolder
from judgeforge.store.pair_columns import PairColumns

_PROMPT_ID = re.compile(rb'"prompt_id": ?("(?:[^"\\]|\\.)*")')
"""Within the text of a value its quotes would stand after backslashes."""
_REASON = re.compile(rb'"reason": ?"(\w+)"')


@dataclass(slots=True)
class Found:
    """What the result files contain."""

    prompts: int = 0
    pairs: int = 0
    skips: Counter[str] = field(default_factory=Counter)


def audit_results(
    folder: RunFolder,
    journal: HasLines,
    rows: Iterable[int | bytes],
    columns: PairColumns | None = None,
) -> Found:
    """Walk rows and result files side by side.

    Each row must have pairs or exactly one skip, under its own prompt id and in its place; no file
    may hold a line more. ``columns``: those of the pairs. Raises StoreError that names file and
    line where that is not so.
    """
    found, columns = Found(), columns or PairColumns()
    with ExitStack() as files:
        results = {name: _Lines(file, files) for name, file in folder.line_files.items()}
        for row in rows:
            found.prompts += 1
            if isinstance(row, bytes):
                results["skips"].expect(row)
                found.skips[_reason(row)] += 1
            else:
                _audit_prompt(results, journal.lines(row), row, found, columns)
        for lines in results.values():
            lines.expect_end()
    return found


def _audit_prompt(
    results: dict[str, _Lines],
    written: dict[str, list[bytes]],
    offset: int,
    found: Found,
    columns: PairColumns,
) -> None:
    if bool(written["pairs"]) == (len(written["skips"]) == 1):
        raise StoreError(
            f"the journal's record at byte {offset} has {len(written['pairs'])} pairs and "
            f"{len(written['skips'])} skips, not pairs or one skip"
        )
    ids = {_prompt_id(line) for line in (*written["pairs"], *written["skips"])}
    if len(ids) != 1:
        raise StoreError(f"the journal's record at byte {offset} is of several prompts")
    for name, lines in written.items():
        for line in lines:
            results[name].expect(columns.written(line) if name == "pairs" else line)
    found.pairs += len(written["pairs"])
    for line in written["skips"]:
        found.skips[_reason(line)] += 1


def _prompt_id(line: bytes) -> bytes:
    match = _PROMPT_ID.search(line)
    return match[1] if match else b""


def _reason(line: bytes) -> str:
    match = _REASON.search(line)
    return match[1].decode() if match else "?"


class _Lines:
    """A result file, line by line."""

    def __init__(self, path: Path, files: ExitStack) -> None:
        self._path, self._number = path, 0
        try:
            self._file: BinaryIO = files.enter_context(path.open("rb"))
        except OSError as error:
            raise read_error(path, error) from error

    def expect(self, line: bytes) -> None:
        self._number += 1
        if self._file.readline() != line:
            raise StoreError(f"{self._path}:{self._number}: not the line of the row in its place")

    def expect_end(self) -> None:
        if self._file.read(1):
            raise StoreError(
                f"{self._path}:{self._number + 1}: a line that no row of the input has"
            )
