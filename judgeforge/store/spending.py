"""What a run folder has spent: the rows of its spending file, and the account they add up to.

A row is written before the call that it is for is sent: a kill can lose a row, but no call.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from judgeforge.errors import StoreError
from judgeforge.store.appended_rows import UnreadableRowError, read_appended_rows
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.followed_lines import FollowedLines
from judgeforge.store.on_disk import doubtful_from

PICODOLLARS = 10**12
"""In a dollar. Money is counted in whole picodollars: integers add up exactly."""
RESERVED, SETTLED, RELEASED = "reserved", "settled", "released"
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def to_usd(pico: int) -> float:
    return pico / PICODOLLARS


def to_pico(usd: float) -> int:
    return round(Fraction(usd) * PICODOLLARS)


@dataclass(frozen=True, slots=True)
class Spending:
    """What was paid so far. ``cost_usd`` is None once a call of unknown price was paid, or where
    rows of paid calls are lost."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None

    def beside(self, lost_calls: int | None) -> Spending:
        """The same of a folder that paid this many more calls, at a cost that nothing tells; None
        where it did not."""
        if lost_calls is None:
            return self
        return replace(self, calls=self.calls + lost_calls, cost_usd=None)

    def without(self, calls: int, usd: float) -> Spending:
        """The same without calls that were booked and never sent."""
        cost = None if self.cost_usd is None else max(0.0, self.cost_usd - usd)
        return replace(self, calls=self.calls - calls, cost_usd=cost)

    def since(self, start: Spending) -> Spending:
        """Never below 0: what an earlier start left open counts at the most that it can cost, and
        may turn out to have cost less, or nothing."""
        known = self.cost_usd is not None and start.cost_usd is not None
        return Spending(
            calls=max(0, self.calls - start.calls),
            input_tokens=self.input_tokens - start.input_tokens,
            output_tokens=self.output_tokens - start.output_tokens,
            cost_usd=max(0.0, (self.cost_usd or 0.0) - (start.cost_usd or 0.0)) if known else None,
        )


class Account:
    """Adds up the rows of a spending file.

    ``["reserved", id, pico]``, ``["settled", id, pico, input tokens, output tokens]`` and
    ``["released", id]``; ``pico`` is None where the price of the model is unknown. A reservation
    that is never closed counts as a paid call at the most that it can cost.
    """

    def __init__(self) -> None:
        self._open: dict[int, int | None] = {}
        self._open_pico = 0
        self._settled_pico = self._settled_calls = 0
        self._input_tokens = self._output_tokens = 0
        self._unknown = False
        self.next_id = self.released = 0
        self.largest_pico: int | None = None
        """The largest known reservation."""

    @property
    def reserved_pico(self) -> int:
        """The most that calls cost which are in flight, or were when a run was killed."""
        return self._open_pico

    def is_open(self, number: int) -> bool:
        return number in self._open

    def open_pico(self, number: int) -> int | None:
        """What is reserved under ``number``. Raises KeyError where it is closed, or never was."""
        return self._open[number]

    @property
    def committed_pico(self) -> int:
        """Everything that has been or may still be billed."""
        return self._settled_pico + self.reserved_pico

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
        """Raises ValueError, TypeError, LookupError or OverflowError where it is not such a row."""
        kind, number = row[0], int(row[1])
        if kind == RESERVED:
            if number != self.next_id:
                raise ValueError(f"call {number} where {self.next_id} is the next")
            self._open[number] = pico = _pico(row[2])
            if pico is not None:
                self.largest_pico = max(pico, self.largest_pico or 0)
            self._open_pico += pico or 0
            self.next_id = number + 1
        elif kind == SETTLED:
            pico = _pico(row[2])
            self._close(number)
            self._settled_calls += 1
            self._settled_pico += pico or 0
            self._unknown = self._unknown or pico is None
            self._input_tokens += int(row[3])
            self._output_tokens += int(row[4])
        elif kind == RELEASED:
            self._close(number)
            self.released += 1
        else:
            raise ValueError(f"unknown kind {kind!r}")

    def _close(self, number: int) -> None:
        self._open_pico -= self._open.pop(number) or 0


class FollowedAccount:
    """The account of a folder that another process spends from, brought up to date at each look."""

    def __init__(self, file: Path) -> None:
        self._file, self._lines, self.account = file, FollowedLines(file), Account()

    def look(self) -> Account:
        """Raises StoreError where the file cannot be read, or a line is not one of its rows."""
        is_first = True
        for line in self._lines.new_lines():
            if is_first and self._lines.begins_anew:
                self.account = Account()
            is_first = False
            try:
                self.account.add(json.loads(line))
            except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
                self._lines, self.account = FollowedLines(self._file), Account()
                return read_account(self._file)  # which knows what a power cut may have done
        return self.account


class SpendingFile:
    """Appends rows. Raises StoreError when a row cannot be written whole."""

    def __init__(self, file: Path) -> None:
        self.path = file
        self._file = AppendedFile(file)
        is_doubtful = doubtful_from(file) is not None
        whole = _read(file)[1] if is_doubtful else self._file.last_line_end()
        if whole != self._file.end:
            self._file.cut(whole)

    def append(self, row: Sequence[Any]) -> None:
        self._file.append(f"{_ENCODER.encode(row)}\n".encode())

    def append_all(self, rows: Sequence[Sequence[Any]], *, forced: bool = True) -> None:
        """All of them or, on a full disk, none; a kill may leave the first ones. ``forced`` onto
        the disk, where what they are for is bought as a whole."""
        self._file.append("".join(f"{_ENCODER.encode(row)}\n" for row in rows).encode())
        if forced:
            self._file.sync()

    def close(self) -> None:
        self._file.close()


def read_account(file: Path) -> Account:
    """Add up a spending file without changing it; a last line that was cut off is left out.

    Such a line is that of a kill in the middle of a write: its call was not sent, since the line
    comes first. Raises StoreError where any other line cannot be read, unless a power cut explains
    it: then the rows before it count, and ``book_lost_calls`` makes up for the others.
    """
    return _read(file)[0]


def book_lost_calls(file: Path, *, sent: int) -> int:
    """After a power cut that took rows: count calls that were ``sent``, as other files know, and
    have no row, as paid at the most that any call was reserved at; returns how many.

    Where no row is left that says what a call may cost, their cost is unknown. Raises StoreError.
    """
    account = read_account(file)
    lost = sent - account.next_id
    if lost <= 0:
        return 0
    rows = SpendingFile(file)
    try:
        first = account.next_id
        rows.append_all([[RESERVED, first + i, account.largest_pico] for i in range(lost)])
    finally:
        rows.close()
    return lost


def _read(file: Path) -> tuple[Account, int]:
    """With the bytes that could be read."""
    account = Account()
    try:
        return account, read_appended_rows(file, account.add)
    except UnreadableRowError as error:
        raise StoreError(
            f"{error.where}: this is not a line of a spending file ({error.why}). "
            "What was spent cannot be known, so nothing is sent; use a new run folder."
        ) from error


def _pico(value: Any) -> int | None:  # noqa: ANN401 (JSON)
    if value is None:
        return None
    if (pico := int(value)) < 0:
        raise ValueError(f"{pico} picodollars")
    return pico
