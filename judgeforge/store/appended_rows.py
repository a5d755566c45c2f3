"""Files of JSON rows that only grow: reads them back as far as they can be trusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import read_error
from judgeforge.store.on_disk import doubtful_from

_BLOCK = 1 << 12
"""Bytes of lines that are parsed at once: a file may have millions, and most of the time that one
takes to parse goes into beginning."""


class UnreadableRowError(StoreError):
    """``where`` is the file and the line, ``why`` what is wrong with it."""

    def __init__(self, file: Path, number: int, why: Exception) -> None:
        self.where, self.why = f"{file}:{number}", why
        super().__init__(f"{self.where}: this row cannot be read ({why})")


def read_appended_rows(file: Path, add: Callable[[Any], None]) -> int:
    """Hand each row to ``add``; returns how many bytes of the file were handed over.

    A last line that was cut off is left out, and so is everything from the first row on that
    ``add`` refuses (ValueError, TypeError, LookupError, OverflowError) where a power cut may have
    damaged it. Raises UnreadableRowError for a row that is refused elsewhere, StoreError where the
    file cannot be read. A file that is not there has no rows.
    """
    end = number = 0
    try:
        with file.open("rb") as opened:
            while lines := opened.readlines(_BLOCK):
                if not lines[-1].endswith(b"\n"):
                    del lines[-1]
                rows = iter(_parsed(lines))
                for line in lines:
                    number += 1
                    add(next(rows))
                    end += len(line)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise read_error(file, error) from error
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        doubtful = doubtful_from(file)
        if doubtful is None or end < doubtful:
            raise UnreadableRowError(file, number, error) from error
    return end


def _parsed(lines: Sequence[bytes]) -> Iterable[Any]:
    """The row of each line; what is wrong with one is raised when it is its turn."""
    if all(line.startswith(b"[") and line.endswith(b"]\n") for line in lines):
        try:
            rows: list[Any] = json.loads(b"[%b]" % b",".join(lines))
        except (ValueError, RecursionError):
            return map(json.loads, lines)
        if len(rows) == len(lines):
            return rows
    return map(json.loads, lines)
