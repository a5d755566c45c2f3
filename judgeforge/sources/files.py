"""Opening input files: plain or gz, regular, there, and never held in memory whole."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from judgeforge.errors import InputError
from judgeforge.nearest import did_you_mean
from judgeforge.records import SkipReason
from judgeforge.sources.raw import BadRow

LONGEST_LINE = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


def check_file(path: Path) -> None:
    """Raises InputError with what to do."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: there is no such file{did_you_mean(path.name, names)}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; name a file, or a dataset with `hf: {{name: …}}`")
    if not stat.S_ISREG(mode):
        raise InputError(
            f"{path}: is no regular file. It is read twice (checked, then run), so a pipe cannot "
            "be used; write it to a file first."
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty")


def open_binary(path: Path) -> BinaryIO:
    try:
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def text_lines(path: Path) -> Iterator[tuple[int, str] | BadRow]:
    """Numbered lines without their ends; a line that cannot be read is a BadRow."""
    number = 0
    with open_binary(path) as file:
        try:
            while line := file.readline(LONGEST_LINE):
                number += 1
                whole = line.endswith(b"\n") or len(line) < LONGEST_LINE
                if not whole:
                    _skip_rest(file)
                    detail = f"the line is longer than {LONGEST_LINE >> 20} MiB; split it"
                    yield BadRow(number, SkipReason.TOO_LONG, detail)
                    continue
                yield _decoded(number, line.removeprefix(_BOM) if number == 1 else line)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            detail = f"the compressed file ends early or is damaged here ({error}); make it anew"
            yield BadRow(number + 1, SkipReason.INVALID_ROW, detail)


def _skip_rest(file: BinaryIO) -> None:
    while piece := file.readline(LONGEST_LINE):
        if piece.endswith(b"\n"):
            return


def _decoded(number: int, line: bytes) -> tuple[int, str] | BadRow:
    try:
        return number, line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
        return BadRow(number, SkipReason.INVALID_ENCODING, detail)
