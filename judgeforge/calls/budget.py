"""The budget: what was spent, what may still be billed, and what may still be sent.

A reservation is written to the spending file before its request is sent. After a kill the calls
that were in flight therefore count as spent at the most they can cost, so that over all restarts
of a run folder no more than the limit is ever billed (at the configured prices).
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgeforge.calls.prices import to_pico, to_usd
from judgeforge.errors import BudgetExhaustedError, StoreError

_RESERVED, _SETTLED, _RELEASED = "reserved", "settled", "released"


@dataclass(frozen=True, slots=True)
class Reservation:
    id: int
    pico: int | None
    """None where the price of the model is unknown."""


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


class Budget:
    """One run folder's money and calls over its whole life.

    Raises StoreError when the spending file cannot be written: then nothing may be sent.
    """

    def __init__(
        self, file: Path, *, usd: float | None = None, max_calls: int | None = None
    ) -> None:
        self._limit = None if usd is None else to_pico(usd)
        self._max_calls = max_calls
        self._file = file
        self._open: dict[int, int | None] = {}
        self._in_flight: set[int] = set()
        self._next_id = 0
        self._settled = 0
        self._settled_calls = 0
        self._unknown = False
        self._input_tokens = 0
        self._output_tokens = 0
        self._changed = asyncio.Event()
        self._load()
        self._descriptor = self._open_file()

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def committed_pico(self) -> int:
        """Everything that has been or may still be billed."""
        return self._settled + sum(pico or 0 for pico in self._open.values())

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

    async def reserve(self, pico: int | None) -> Reservation:
        """Book the most that a call can cost; wait while only calls in flight are in the way.

        Raises BudgetExhaustedError when it does not fit with nothing in flight.
        """
        while not self._fits(pico or 0):
            if not self._in_flight:
                raise BudgetExhaustedError(self._refusal(pico or 0))
            self._changed.clear()
            await self._changed.wait()
        reservation = Reservation(self._next_id, pico)
        self._write([_RESERVED, reservation.id, pico])
        self._next_id += 1
        self._open[reservation.id] = pico
        self._in_flight.add(reservation.id)
        return reservation

    def settle(
        self, reservation: Reservation, pico: int | None, *, tokens: tuple[int, int] = (0, 0)
    ) -> None:
        """Replace a reservation by what the call cost."""
        self._write([_SETTLED, reservation.id, pico, *tokens])
        self._close(reservation.id)
        self._count(pico, *tokens)

    def release(self, reservation: Reservation) -> None:
        """Take a reservation back: the provider cannot have billed anything."""
        self._write([_RELEASED, reservation.id])
        self._close(reservation.id)

    def close(self) -> None:
        os.close(self._descriptor)

    def _fits(self, pico: int) -> bool:
        if self._max_calls is not None and self.calls + 1 > self._max_calls:
            return False
        return self._limit is None or self.committed_pico + pico <= self._limit

    def _refusal(self, pico: int) -> str:
        if self._max_calls is not None and self.calls + 1 > self._max_calls:
            return (
                f"budget.max_calls is used up ({self.calls} of {self._max_calls} calls). "
                "Raise it and start the same command again: nothing that was paid is lost."
            )
        limit, spent = to_usd(self._limit or 0), to_usd(self.committed_pico)
        return (
            f"the next call may cost up to ${to_usd(pico):.6f}, and ${spent:.6f}"
            f" of budget.usd ${limit:.6f} is spent. "
            "Raise it and start the same command again: nothing that was paid is lost."
        )

    def _close(self, reservation_id: int) -> None:
        self._open.pop(reservation_id, None)
        self._in_flight.discard(reservation_id)
        self._changed.set()

    def _count(self, pico: int | None, input_tokens: int, output_tokens: int) -> None:
        self._settled_calls += 1
        self._settled += pico or 0
        self._unknown = self._unknown or pico is None
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens

    def _open_file(self) -> int:
        try:
            return os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error

    def _write(self, row: list[Any]) -> None:
        line = (json.dumps(row, separators=(",", ":")) + "\n").encode()
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise StoreError(f"{self._file}: cannot be written: {error}") from error
        if written != len(line):
            raise StoreError(f"{self._file}: the disk is full; free space and start again.")

    def _load(self) -> None:
        if not self._file.exists():
            return
        data = self._file.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) != len(data):
            # A kill in the middle of a line: its call was not sent, since a line comes first.
            os.truncate(self._file, len(whole))
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                self._replay(json.loads(line))
            except (ValueError, TypeError, IndexError, KeyError) as error:
                raise StoreError(
                    f"{self._file}:{number}: this is no line of a spending file ({error}). "
                    "What was spent cannot be known, so nothing is sent; use a new run folder."
                ) from error

    def _replay(self, row: list[Any]) -> None:
        kind, reservation_id = row[0], int(row[1])
        if kind == _RESERVED:
            self._open[reservation_id] = None if row[2] is None else int(row[2])
            self._next_id = max(self._next_id, reservation_id + 1)
        elif kind == _SETTLED:
            self._open.pop(reservation_id)
            self._count(None if row[2] is None else int(row[2]), int(row[3]), int(row[4]))
        elif kind == _RELEASED:
            self._open.pop(reservation_id)
        else:
            raise ValueError(f"unknown kind {kind!r}")
