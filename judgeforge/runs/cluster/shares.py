"""How much of each limit belongs to which process, so that all together keep to it.

The limits are requests in flight over all models, the same of each server, and the rate that the
configuration allows. What one process has is taken from the others first: a part is given away only
once its last owner has said that it keeps to less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.limits.queues import Slots
from judgeforge.config.run import RunConfig

WHOLE_RATE = 1000
"""The rate is shared out in thousandths."""


def allotted(capacity: int, wanted: Sequence[int], least: Sequence[int]) -> list[int]:
    """Whole parts of ``capacity``, max-min fair: nobody gets more than it wants while another that
    wants more has less; what nobody wants is shared out as well. ``least``: of each, whatever it
    wants; these fit into the capacity."""
    parts, left = list(least), capacity - sum(least)
    order = sorted(range(len(wanted)), key=lambda one: (wanted[one], one))
    for done, one in enumerate(order):
        fair = left // (len(order) - done)
        more = min(fair, max(0, wanted[one] - parts[one]))
        parts[one] += more
        left -= more
    taking = [one for one in range(len(parts)) if least[one] > 0] or list(range(len(parts)))
    for place, one in enumerate(taking):
        parts[one] += left // len(taking) + (place < left % len(taking))
    return parts


@dataclass(slots=True)
class Limits:
    """Those of one process: the slots, each gate, the rate, in this order."""

    slots: Slots
    gates: Sequence[ModelGate]
    parts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, endpoints: Sequence[Endpoint], slots: Slots) -> Limits:
        return cls(slots, [gate for one in endpoints for gate in one.gate.gates])

    def keep_to(self, parts: Sequence[int]) -> None:
        self.parts = list(parts)
        slots, *gates, rate = parts
        self.slots.resize(slots)
        for gate, most in zip(self.gates, gates, strict=True):
            gate.share(most, rate / WHOLE_RATE)

    def used(self) -> list[int]:
        return [self.slots.taken, *(gate.in_flight for gate in self.gates), 0]

    def wanted(self) -> list[int]:
        asked = [gate.in_flight + gate.waiting for gate in self.gates]
        return [sum(asked), *asked, WHOLE_RATE if any(asked) else 0]


def capacities(config: RunConfig, endpoints: Sequence[Endpoint]) -> list[int]:
    gates = [replica.concurrency for one in endpoints for replica in one.model.replicas]
    return [config.limits.concurrency, *gates, WHOLE_RATE]


@dataclass(slots=True)
class _Owner:
    wanted: list[int]
    may_use: list[int]
    """What it keeps to for certain, or was given since."""
    told: list[int]
    number: int = 0
    """Of the last share that it was told."""


class Shares:
    """Of all processes by name; the first is the coordinator's own, which needs none of them."""

    def __init__(self, capacity: Sequence[int], own: str) -> None:
        self._capacity, self._own = list(capacity), own
        self._owners = {own: _Owner([0] * len(capacity), list(capacity), list(capacity))}

    def join(self, name: str) -> None:
        nothing = [0] * len(self._capacity)
        self._owners[name] = _Owner(list(self._capacity), list(nothing), list(nothing))

    def leave(self, name: str) -> None:
        """It is gone, and so is what it had in flight."""
        self._owners.pop(name, None)

    def reported(self, name: str, number: int, used: Sequence[int], wanted: Sequence[int]) -> None:
        """``number``: of the last share that it keeps to; ``used``: of each limit just now."""
        owner = self._owners.get(name)
        if owner is None:
            return
        owner.wanted = list(wanted)
        if number == owner.number:
            owner.may_use = [max(pair) for pair in zip(owner.told, used, strict=True)]

    def number_of(self, name: str) -> int:
        """Of the last share that it was told."""
        return self._owners[name].number

    def changes(self) -> dict[str, tuple[int, list[int]]]:
        """What is to be told to whom: the number of the share, and its parts."""
        aims = self._aims()
        found = {}
        for name, owner in self._owners.items():
            parts = [min(pair) for pair in zip(aims[name], self._left_for(name), strict=True)]
            if parts == owner.told:
                continue
            owner.told, owner.number = parts, owner.number + 1
            owner.may_use = [max(pair) for pair in zip(owner.may_use, parts, strict=True)]
            found[name] = (owner.number, parts)
        return found

    def _aims(self) -> dict[str, list[int]]:
        names = list(self._owners)
        aims: dict[str, list[int]] = {name: [] for name in names}
        for place, capacity in enumerate(self._capacity):
            wanted = [self._owners[name].wanted[place] for name in names]
            alone = len(names) == 1
            least = [0 if name == self._own and not alone else 1 for name in names]
            parts = allotted(capacity, wanted, least)
            for name, part in zip(names, parts, strict=True):
                aims[name].append(part)
        return aims

    def _left_for(self, name: str) -> list[int]:
        """What no other process may use any more, of each limit."""
        others = [one.may_use for owner, one in self._owners.items() if owner != name]
        taken = map(sum, zip(*others, strict=True)) if others else [0] * len(self._capacity)
        return [whole - part for whole, part in zip(self._capacity, taken, strict=True)]
