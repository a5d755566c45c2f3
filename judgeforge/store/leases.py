"""Reservations that a run has handed to its workers ahead of their calls, as its files tell.

``leases.jsonl`` says which numbers were granted to whom, and the notes of each worker which of them
it has used. Both are there only while workers are, or where a run with some was killed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.atomic_files import read_error
from judgeforge.store.folder import RunFolder
from judgeforge.store.spending import Account

_LAST_BYTES = 1 << 20
"""What is open was granted lately: of a long run the ends of the files are read."""


@dataclass(frozen=True, slots=True)
class Unused:
    """Reservations that no call has: nothing was sent for them."""

    calls: int = 0
    pico: int = 0


def unused_leases(folder: RunFolder, account: Account) -> Unused:
    """Of what is open in the account, which was read before. Where no notes are to be had (on
    another machine) all count as used. Raises StoreError where a file cannot be read."""
    calls = pico = 0
    for worker, numbers in _open(folder.leases_file, account).items():
        used = used_numbers(folder.used_numbers_file(worker), numbers, last_bytes=_LAST_BYTES)
        for number in numbers.keys() - used:
            calls, pico = calls + 1, pico + numbers[number]
    return Unused(calls, pico)


def _open(leases: Path, account: Account) -> dict[str, dict[int, int]]:
    """By worker, the numbers that are open, and what is reserved under each."""
    found: dict[str, dict[int, int]] = {}
    for row in noted_leases(leases, last_bytes=_LAST_BYTES):
        for number in range(row["first"], row["first"] + row["count"]):
            if account.is_open(number):
                found.setdefault(row["worker"], {})[number] = account.open_pico(number) or 0
    return found


def used_numbers(file: Path, held: Collection[int], *, last_bytes: int | None = None) -> set[int]:
    """Of the reservations that a worker held, those that may have been used: all of them where its
    notes are not to be had. Raises StoreError where they cannot be read."""
    lines = _whole_lines(file, last_bytes)
    if lines is None:
        return set(held)
    return {int(line) for line in lines if line.isdigit()} & set(held)


def noted_leases(file: Path, *, last_bytes: int | None = None) -> Iterator[dict[str, Any]]:
    """Oldest first. Raises StoreError where they cannot be read."""
    try:
        for line in _whole_lines(file, last_bytes) or ():
            yield json.loads(line)
    except ValueError as error:
        raise StoreError(
            f"{file}: what workers had reserved cannot be read ({error}). Delete it: all of that "
            "then counts as spent at the most that it can cost."
        ) from error


def _whole_lines(file: Path, last_bytes: int | None) -> list[bytes] | None:
    """None where there is no file. A line that was cut off is of what had not happened: a row that
    was not booked, a call that had not left."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            begin = 0 if last_bytes is None else max(0, size - last_bytes)
            opened.seek(begin)
            lines = opened.read().split(b"\n")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_error(file, error) from error
    return lines[1 if begin else 0 : -1]
