"""What a model has to do in a run, and what that costs in three cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from judgeforge.calls.money.prices import ModelPrice
from judgeforge.calls.providers.base import Usage
from judgeforge.store.spending import to_usd

LOW, EXPECTED, HIGH = range(3)
ALWAYS = (1.0, 1.0, 1.0)


@dataclass(slots=True)
class ModelLoad:
    """The calls for one model and what they cost, in picodollars (0 where the price is unknown)."""

    price: ModelPrice | None
    calls: int = 0
    """At most."""
    expected_calls: float = 0.0
    pico: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Low, expected, high."""

    def add(
        self,
        calls: int,
        inputs: tuple[int, ...],
        outputs: tuple[int, ...],
        *,
        shared: int,
        made: tuple[float, ...] = ALWAYS,
    ) -> None:
        """``shared`` of the input tokens were in an earlier call: low has them cached. ``made``:
        the share of the calls that is made in each case."""
        self.calls += calls
        self.expected_calls += made[EXPECTED] * calls
        if self.price is None:
            return
        for case in (LOW, EXPECTED, HIGH):
            cached = min(shared, inputs[case]) if case == LOW else 0
            usage = Usage(inputs[case], outputs[case], cached_input_tokens=cached)
            self.pico[case] += round(made[case] * calls * self.price.cost(usage))

    def take(self, other: ModelLoad) -> None:
        """What was counted at another price."""
        self.calls += other.calls
        self.expected_calls += other.expected_calls
        self.pico = [one + more for one, more in zip(self.pico, other.pico, strict=True)]


@dataclass(frozen=True, slots=True)
class TotalCost:
    """USD of all prompts together; None where a price is unknown."""

    low: float | None
    expected: float | None
    high: float | None


def total_cost(loads: Iterable[ModelLoad]) -> TotalCost:
    picos = [None if load.price is None else load.pico for load in loads]
    known = [pico for pico in picos if pico is not None]
    if len(known) < len(picos):
        return TotalCost(None, None, None)
    return TotalCost(*(to_usd(sum(pico[case] for pico in known)) for case in (LOW, EXPECTED, HIGH)))
