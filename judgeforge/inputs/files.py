"""Opening input files: plain or gz, regular, there, and never held in memory whole."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, cast

from judgeforge.errors import InputError
from judgeforge.inputs.rows import BadRow
from judgeforge.records import SkipReason
from judgeforge.text.wording import did_you_mean

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes. A longer line is skipped without being held in memory."""
HIGHEST_RATIO = 200
"""Bytes unpacked of one packed byte; text gives some 10, a table of numbers up to 50."""
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading a cut or damaged gz file raises."""
LARGEST_UNPACKED = 1 << 30
"""Bytes of a gz file that may exceed the ratio."""
_FEWEST_LINES = 1 << 22
"""Of a gz file, that may be more than its packed bytes."""
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_GZ_MAGIC = b"\x1f\x8b"


def check_file(path: Path) -> None:
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
    if found.st_size == 0:
        raise InputError(f"{path}: is empty; put at least one prompt in")


def _suggestion(path: Path) -> str:
    try:
        return did_you_mean(path.name, [other.name for other in path.parent.iterdir()])
    except OSError:
        return f" (the folder {path.parent} cannot be read either)"


def open_binary(path: Path) -> BinaryIO:
    """A gz file is known by its first bytes, not by its name, and opens unpacked."""
    try:
        file = path.open("rb")
        start = file.read(2)
        file.seek(0)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if start == _GZ_MAGIC:
        file.close()
        return cast("BinaryIO", gzip.open(path))
    if path.suffix.lower() == ".gz":
        file.close()
        raise InputError(f"{path}: is not a gz file, though its name says so; rename it or pack it")
    if start in _UTF16_BOMS:
        file.close()
        raise InputError(f"{path}: is UTF-16; save it as UTF-8")
    return file


def text_lines(
    path: Path,
    *,
    longest: int = LONGEST_LINE,
    errors: Literal["strict", "surrogateescape"] = "strict",
) -> Iterator[tuple[int, str] | BadRow]:
    """Numbered lines without their ends; a line that cannot be read is a BadRow.

    ``longest`` is in bytes; ``errors`` is what becomes of bytes that are not UTF-8. Where a gz
    file is cut or damaged, the rows before that place count; the place itself is a BadRow. Raises
    InputError where nothing can be read.
    """
    number = 0
    with open_binary(path) as file:
        packed = path.stat().st_size if isinstance(file, gzip.GzipFile) else None
        try:
            while line := file.readline(longest + 1):
                number += 1
                if packed is not None:
                    _refuse_bomb(path, number, file.tell(), packed)
                if len(line) > longest:
                    while line and not line.endswith(b"\n"):
                        line = file.readline(1 << 20)
                        if packed is not None:
                            _refuse_bomb(path, number, file.tell(), packed)
                    detail = f"the line is longer than {longest >> 20} MiB; split or shorten it"
                    yield BadRow(number, SkipReason.TOO_LONG, detail)
                    continue
                yield _decoded(number, line, errors)
        except DAMAGED as error:
            if number == 0:
                raise InputError(
                    f"{path}: is a damaged gz file ({error}); pack it again"
                ) from error
            detail = f"the gz file ends early or is damaged here ({error}); pack it again"
            yield BadRow(number + 1, SkipReason.INVALID_ROW, detail)
        except OSError as error:
            detail = f"cannot be read from line {number + 1} on: {error.strerror}"
            raise InputError(f"{path}: {detail}") from error


def _refuse_bomb(path: Path, lines: int, unpacked: int, packed: int) -> None:
    """Reading a file takes about as long as its size lets expect, or it is not read on."""
    if lines > max(_FEWEST_LINES, packed):
        raise InputError(
            f"{path}: has more lines than packed bytes, so they are nearly all the same or empty; "
            "unpack it, and name what comes out"
        )
    if unpacked > max(LARGEST_UNPACKED, HIGHEST_RATIO * packed):
        raise InputError(
            f"{path}: unpacks to more than {unpacked >> 30} GiB; unpack it, and name what comes out"
        )


def _decoded(number: int, line: bytes, errors: str) -> tuple[int, str] | BadRow:
    try:
        # Files that were joined have their byte order marks anywhere.
        return number, line.removeprefix(_UTF8_BOM).decode("utf-8", errors).rstrip("\r\n")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
