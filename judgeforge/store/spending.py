"""What a run folder has spent: its rows, and the account that they add up to. Pure.

The spending file of a run folder: one row a line, each written by one system call.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError

PICODOLLARS = 10**12
"""In a dollar. Money is counted in whole picodollars: integers add up exactly."""
RESERVED, SETTLED, RELEASED = "reserved", "settled", "released"


def to_usd(pico: int) -> float:
    return pico / PICODOLLARS


def to_pico(usd: float) -> int:
    return round(Fraction(usd) * PICODOLLARS)


@dataclass(frozen=True, slots=True)
class Spending:
    """What was paid so far. ``cost_usd`` is None once a call of unknown price was paid."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None

    def since(self, start: Spending) -> Spending:
        known = self.cost_usd is not None and start.cost_usd is not None
        return Spending(
            calls=self.calls - start.calls,
            input_tokens=self.input_tokens - start.input_tokens,
            output_tokens=self.output_tokens - start.output_tokens,
            cost_usd=(self.cost_usd or 0.0) - (start.cost_usd or 0.0) if known else None,
        )


class Account:
    """Adds up the rows of a spending file.

    ``["reserved", id, pico]``, ``["settled", id, pico, input tokens, output tokens]`` and
    ``["released", id]``; ``pico`` is None where the price of the model is unknown. A reservation
    that is never closed counts as a paid call at the most that it can cost.
    """

    def __init__(self) -> None:
        self._open: dict[int, int | None] = {}
        self._settled_pico = self._settled_calls = 0
        self._input_tokens = self._output_tokens = 0
        self._unknown = False
        self.next_id = 0

    @property
    def committed_pico(self) -> int:
        """Everything that has been or may still be billed."""
        return self._settled_pico + sum(pico or 0 for pico in self._open.values())

    @property
    def calls(self) -> int:
        return self._settled_calls + len(self._open)

    def spending(self) -> Spending:
        unknown = self._unknown or any(pico is None for pico in self._open.values())
        return Spending(
            calls=self.calls,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cost_usd=None if unknown else to_usd(self.committed_pico),
        )

    def add(self, row: Sequence[Any]) -> None:
        """Raises ValueError, TypeError, IndexError or KeyError where it is no row of the file."""
        kind, number = row[0], int(row[1])
        if kind == RESERVED:
            self._open[number] = _pico(row[2])
            self.next_id = max(self.next_id, number + 1)
        elif kind == SETTLED:
            pico = _pico(row[2])
            self._open.pop(number)
            self._settled_calls += 1
            self._settled_pico += pico or 0
            self._unknown = self._unknown or pico is None
            self._input_tokens += int(row[3])
            self._output_tokens += int(row[4])
        elif kind == RELEASED:
            self._open.pop(number)
        else:
            raise ValueError(f"unknown kind {kind!r}")


def _pico(value: Any) -> int | None:  # noqa: ANN401 (JSON)
    return None if value is None else int(value)


class SpendingFile:
    """Appends rows. Raises StoreError when a row cannot be written whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        _cut_torn_line(file)
        try:
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._end = os.fstat(self._descriptor).st_size
        except OSError as error:
            raise StoreError(f"{file}: cannot be written: {error}") from error

    def append(self, row: Sequence[Any]) -> None:
        line = (json.dumps(row, separators=(",", ":")) + "\n").encode()
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                # The next row must not be glued to half of this one.
                os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error
        if written != len(line):
            raise StoreError(f"{self._file}: the disk is full; free space and start again.")
        self._end += written

    def close(self) -> None:
        os.close(self._descriptor)


def read_account(file: Path) -> Account:
    """Add up a spending file without changing it; a last line that was cut off is left out.

    Such a line is that of a kill in the middle of a write: its call was not sent, since the line
    comes first. Raises StoreError where any other line cannot be read.
    """
    account = Account()
    for number, line in enumerate(_whole_lines(file), start=1):
        try:
            account.add(json.loads(line))
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise StoreError(
                f"{file}:{number}: this is no line of a spending file ({error}). "
                "What was spent cannot be known, so nothing is sent; use a new run folder."
            ) from error
    return account


def _whole_lines(file: Path) -> Iterator[bytes]:
    """One at a time: the file of a long run has hundreds of thousands."""
    if not file.exists():
        return
    with file.open("rb") as lines:
        yield from (line for line in lines if line.endswith(b"\n"))


def _cut_torn_line(file: Path) -> None:
    if not file.exists():
        return
    whole = sum(map(len, _whole_lines(file)))
    if whole != file.stat().st_size:
        os.truncate(file, whole)
