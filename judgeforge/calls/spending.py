"""What a run folder has spent: its rows, and the account that they add up to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.prices import to_usd

RESERVED, SETTLED, RELEASED = "reserved", "settled", "released"


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
