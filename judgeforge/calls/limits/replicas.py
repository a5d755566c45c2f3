"""The gates of one model: one, or one for each of its replicas.

All that is asked for one prompt prefers one replica, which then has its beginning in its cache:
that with the highest hash of prompt and address (rendezvous hashing, Thaler and Ravishankar, 1998),
so that a replica that comes or goes moves only its own prompts. Where that has no room, the one
with the fewest requests in flight is asked; where none has, the first that has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b

from judgeforge.calls.limits.gate import ModelGate, Passage
from judgeforge.calls.limits.queues import GivesWay
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.errors import CircuitOpenError
from judgeforge.text.wording import counted


class Replicas:
    def __init__(self, name: str, gates: Sequence[ModelGate]) -> None:
        """``name``: under ``models:``."""
        self._name, self.gates = name, tuple(gates)
        for gate in self.gates:
            gate.peers = self.gates

    @property
    def are_several(self) -> bool:
        return len(self.gates) > 1

    @property
    def is_out_of_order(self) -> bool:
        """Whether nothing but probes is sent to any of them."""
        return all(gate.is_out_of_order for gate in self.gates)

    @property
    def out_of_order(self) -> list[ModelGate]:
        return [gate for gate in self.gates if gate.is_out_of_order]

    @property
    def last_failure(self) -> str:
        return next((gate.last_failure for gate in self.gates if gate.last_failure), "")

    async def enter(
        self,
        size: RequestSize,
        gives_way: GivesWay,
        *,
        near: str = "",
        avoiding: Collection[ModelGate] = (),
        first: bool = False,
    ) -> Passage:
        """Wait until a request may be sent to one of them; see ``ModelGate.enter``.

        ``near``: requests of the same prefer one replica. ``avoiding``: those that have failed it.
        ``first``: past what others wait for, with the next free slot.
        """
        if first:
            return await self._chosen(size, near, avoiding).enter_first(size)
        if not self.are_several:
            return await self.gates[0].enter(size, gives_way=gives_way)
        while True:
            gate = self._chosen(size, near, avoiding)
            try:
                return await gate.enter(size, gives_way=gives_way, may_move=not avoiding)
            except CircuitOpenError as error:
                if error.stops_run or (self.is_out_of_order and gives_way()):
                    raise

    async def try_enter(self, size: RequestSize, *, besides: ModelGate) -> Passage | None:
        """Pass at once, another one than ``besides`` if there is any; for hedges."""
        others = [gate for gate in self.gates if gate is not besides]
        for gate in [*sorted(others, key=lambda one: one.in_flight), besides]:
            passage = await gate.try_enter(size)
            if passage is not None:
                return passage
        return None

    def has_other_than(self, tried: Collection[ModelGate]) -> bool:
        """Whether one that is in order is left."""
        return any(gate not in tried and not gate.is_out_of_order for gate in self.gates)

    def describe(self, calls: int) -> str:
        """What this many calls are waiting for, for a message."""
        of_model = f"{counted(calls, 'call')} of model `{self._name}`"
        if not self.are_several:
            gate = self.gates[0]
            return f"{of_model}: {', '.join(gate.told(calls - gate.in_flight - gate.waiting))}"
        under_way = sum(gate.in_flight + gate.waiting for gate in self.gates)
        told = [f"{gate.replica}: {', '.join(gate.told())}" for gate in self.gates if gate.told()]
        if between := calls - under_way:
            told.append(f"{between} about to be tried again")
        return f"{of_model}: {'; '.join(told)}"

    def _chosen(self, size: RequestSize, near: str, avoiding: Collection[ModelGate]) -> ModelGate:
        order = sorted(self.gates, key=lambda gate: _weight(near, gate), reverse=True)
        allowed = [gate for gate in order if gate not in avoiding] or order
        if allowed[0].wants_probe:
            return allowed[0]
        in_order = [gate for gate in allowed if not gate.is_out_of_order]
        in_order = in_order or [gate for gate in order if not gate.is_out_of_order]
        if not in_order:
            return min(allowed, key=lambda gate: gate.probe_in_s)
        with_room = [gate for gate in in_order if gate.has_room(size)]
        if in_order[0] in with_room:
            return in_order[0]
        if with_room:
            return min(with_room, key=lambda gate: gate.in_flight)
        # What waits in a queue may pass another gate; what waits for a ceiling may not.
        if in_order[0].has_ceiling or avoiding:
            return min(in_order, key=lambda gate: gate.waiting)
        return in_order[0]


def _weight(near: str, gate: ModelGate) -> bytes:
    return blake2b(f"{gate.replica}\n{near}".encode("utf-8", "surrogatepass")).digest()
