"""Reading input files: regular, there, plain or packed, and never held in memory whole."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from judgeforge.config.prompt_files import Paths, are_several, prompt_files
from judgeforge.errors import InputError
from judgeforge.inputs.packed import DAMAGED, OpenedFile, open_file
from judgeforge.inputs.rows import BadRow
from judgeforge.records import SkipReason
from judgeforge.store.folder import can_be_read_as_one
from judgeforge.text.wording import did_you_mean

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. A longer line is skipped without being held in memory."""
_UTF8_BOM = b"\xef\xbb\xbf"


_ADDRESS = re.compile(r"(?:^|/)[a-z][a-z0-9+.-]+:/")
"""What a path makes of one: it has no two slashes beside each other."""


def check_files(path: Paths) -> list[Path]:
    """All that it means, in order; of several, some may be empty. What a run wrote is meant only
    where its folder is named. Raises InputError."""
    files, may_be_empty = prompt_files(path, left_out=can_be_read_as_one), are_several(path)
    for file in files:
        check_file(file, may_be_empty=may_be_empty)
    return files


def check_file(path: Path, *, may_be_empty: bool = False) -> None:
    """Raises InputError with what to do."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file{_suggestion(path)}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if stat.S_ISDIR(found.st_mode):
        raise InputError(
            f"{path}: is a folder; name a file in it, or, for a dataset, use "
            f"`hf: {{name: {path.name}}}` in place of `path`"
        )
    if not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"{path}: is not a regular file. It is read twice (checked, then run), so a pipe "
            "cannot be used; write it to a file first."
        )
    if found.st_size == 0 and not may_be_empty:
        raise InputError(f"{path}: is empty; put at least one row in")


def _suggestion(path: Path) -> str:
    if _ADDRESS.search(str(path)):
        return "; addresses are not read: download it, or name a dataset of the hub under `hf`"
    try:
        return did_you_mean(path.name, [other.name for other in path.parent.iterdir()])
    except OSError:
        return f" (the folder {path.parent} cannot be read either)"


def text_lines(
    path: Path,
    *,
    longest: int = LONGEST_LINE,
    errors: Literal["strict", "surrogateescape"] = "strict",
) -> Iterator[tuple[int, str] | BadRow]:
    """Numbered lines without their ends; a line that cannot be read is a BadRow.

    ``longest`` is in bytes; ``errors`` is what becomes of bytes that are not UTF-8. Where a packed
    file is cut or damaged, the rows before that place count; the place itself is a BadRow. Raises
    InputError where nothing can be read.
    """
    opened = open_file(path)
    number = 0
    with opened.binary as file:
        try:
            while line := file.readline(longest + 1):
                number += 1
                opened.refuse_bomb(path, number)
                if len(line) > longest:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(1 << 20)
                        opened.refuse_bomb(path, number)
                    detail = f"the line is longer than {longest >> 20} MiB; split or shorten it"
                    yield BadRow(number, SkipReason.TOO_LONG, detail)
                    continue
                yield _decoded(number, line, errors)
        except DAMAGED as error:
            yield damaged(path, opened, number, error)
        except OSError as error:
            detail = f"cannot be read from line {number + 1} on: {error.strerror}"
            raise InputError(f"{path}: {detail}") from error


def damaged(path: Path, opened: OpenedFile, rows: int, error: BaseException) -> BadRow:
    """The place after ``rows`` at which a packed file ends early.

    Raises InputError where that is its beginning.
    """
    if rows == 0:
        raise InputError(
            f"{path}: is a damaged {opened.packing} file ({error}); pack it again"
        ) from error
    detail = f"the {opened.packing} file ends early or is damaged here ({error}); pack it again"
    return BadRow(rows + 1, SkipReason.INVALID_ROW, detail)


def _decoded(number: int, line: bytes, errors: str) -> tuple[int, str] | BadRow:
    try:
        # Files that were joined have their byte order marks anywhere.
        return number, line.removeprefix(_UTF8_BOM).decode("utf-8", errors).rstrip("\r\n")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
