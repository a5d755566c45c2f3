"""The gate of one model: requests pass one by one, each when everything allows it.

Checked in this order: the configured ceiling, the circuit breaker, the concurrency limit, the pace,
a slot over all models. Models take turns at the slots, one request each, so that none starves
another; what waits here holds no slot and no reservation. The end of an attempt steers them all.

Nothing here polls: a request that leaves, and a timer where only time can help, let the next ones
pass. Time is that of the event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.limits.breaker import out_for_too_long
from judgeforge.calls.limits.buckets import ProviderAccount
from judgeforge.calls.limits.ceiling import Ceiling
from judgeforge.calls.limits.pace import Delay, SentRequest
from judgeforge.calls.limits.queues import GivesWay, Line, Slots, was_served
from judgeforge.calls.limits.server_state import FULL, ServerState
from judgeforge.calls.limits.traffic import RequestSize
from judgeforge.config.model import ModelConfig
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import CallError, CircuitOpenError
from judgeforge.store.log import RunLog

_MOST_OF_MEAN, _SMALL_LOAD = 1.25, 8
"""How much of the mean load of the replicas with room one of them takes; fewer always."""


@dataclass(slots=True)
class Passage:
    """A request that passed and has a slot; ``leave`` of its gate returns it."""

    gate: ModelGate
    sent: SentRequest
    is_probe: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    size: RequestSize
    gives_way: GivesWay
    admitted: asyncio.Future[Passage]
    may_move: bool = False
    """Whether a gate of another replica may let it pass."""
    held_by_rate: bool = False


class ModelGate:
    """``replica``: the address of its server, where the model has several."""

    def __init__(
        self,
        name: str,
        model: ModelConfig,
        limits: LimitsConfig,
        *,
        account: ProviderAccount,
        all_slots: Slots,
        log: RunLog,
        replica: str | None = None,
    ) -> None:
        self._name, self._stall_s, self._log = name, limits.stall_s, log
        self.replica = replica
        self.peers: tuple[ModelGate, ...] = (self,)
        """Those of all replicas of the model; what the others' requests wait for may pass here."""
        self._ceiling = Ceiling(requests_per_minute=model.rpm, tokens_per_minute=model.tpm)
        self._server = ServerState(model, limits, account, is_replica=replica is not None)
        self._all_slots = all_slots
        self._before_ceiling = Line()
        self._queue: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = 0

    @property
    def in_flight(self) -> int:
        return self._server.in_flight

    @property
    def last_failure(self) -> str:
        return self._server.last_failure

    @property
    def is_out_of_order(self) -> bool:
        """Whether the circuit is open: nothing but a probe is sent to the server."""
        return self._server.breaker.is_open

    @property
    def probe_in_s(self) -> float:
        """How long nothing is sent while the circuit is open; 0 where it is not."""
        return self._server.breaker.wait_s(_now())

    @property
    def wants_probe(self) -> bool:
        return self.is_out_of_order and self.probe_in_s <= 0

    def share(self, most_in_flight: int, of_rate: float) -> None:
        """What this process has of the server's limits, where others ask it as well."""
        self._server.most_in_flight = most_in_flight
        self._ceiling.scale(of_rate)
        self._admit_here_and_there()

    @property
    def has_ceiling(self) -> bool:
        return self._ceiling.is_set

    def has_room(self, size: RequestSize) -> bool:
        """Whether a request of this size would pass at once, but for the slots over all models."""
        return not self._before_ceiling.is_taken and self._delay(size, _now()) is None

    async def enter(
        self, size: RequestSize, *, gives_way: GivesWay, may_move: bool = False
    ) -> Passage:
        """Wait until a request of this size may be sent, here or (where it ``may_move``) at one of
        the peers. To be followed by ``leave`` of the gate that it passed.

        Raises CircuitOpenError where the server is out of order while another replica is not, or
        the model is and ``gives_way`` says not to wait, or is for longer than ``stall_s``.
        """
        self.waiting += 1
        try:
            if (refusal := self._refusal(gives_way)) is not None:
                raise refusal
            if self._ceiling.is_set:
                return await self._join_under_ceiling(size, gives_way)
            return await self._join(size, gives_way, may_move=may_move)
        finally:
            self.waiting -= 1

    async def enter_first(self, size: RequestSize) -> Passage:
        """Wait for nothing but the ceiling and the next slot, before all others."""
        async with self._ceiling.admitted(size.tokens):
            await self._all_slots.take_first()
            return self._pass(size, held_by_rate=False)

    async def try_enter(self, size: RequestSize) -> Passage | None:
        """Pass at once, or take nothing where it would have to wait; for hedges."""
        is_free = not self.is_out_of_order and not self._before_ceiling.is_taken
        if not (is_free and self._delay(size, _now()) is None) or not self._all_slots.take():
            return None
        passage = None
        try:
            if await self._ceiling.try_admit(size.tokens):
                passage = self._pass(size, held_by_rate=False)
        finally:
            if passage is None:
                self._all_slots.give_back()
        return passage

    def used(self, passage: Passage, tokens: int) -> None:
        """What the request used is all that counts against the configured ceiling."""
        self._ceiling.give_back(passage.sent.size.tokens - tokens)

    def forget_refusals(self) -> None:
        """What came too soon said nothing of the model, which answers."""
        self._server.forget_refusals()
        self._admit_here_and_there()

    def leave(
        self,
        passage: Passage,
        *,
        error: CallError | None = None,
        abandoned: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Return the slot and tell how it ended; ``abandoned``: without an end to learn from."""
        if not abandoned:
            self._learn(passage, error, headers)
        elif passage.is_probe:
            self._server.breaker.probe_abandoned()
        self._server.in_flight -= 1
        self._all_slots.give_back()
        self._admit_here_and_there()

    def told(self, between: int = 0) -> list[str]:
        """How requests stand here; ``between``: calls that wait to be tried again."""
        parts = [f"{self.in_flight} in flight without a reply"] if self.in_flight else []
        if self.waiting:
            parts.append(f"{self.waiting} in its queue")
        if between:
            parts.append(f"{between} about to be tried again")
        return [*parts, *self._server.told(_now())]

    async def _join_under_ceiling(self, size: RequestSize, gives_way: GivesWay) -> Passage:
        # One at a time: what has passed the ceiling must not pile up behind something else.
        await self._before_ceiling.enter(gives_way)
        try:
            async with self._ceiling.admitted(size.tokens):
                return await self._join(size, gives_way)
        finally:
            self._before_ceiling.leave()

    async def _join(
        self, size: RequestSize, gives_way: GivesWay, *, may_move: bool = False
    ) -> Passage:
        admitted: asyncio.Future[Passage] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(size, gives_way, admitted, may_move))
        if len(self._queue) == 1 or may_move:
            self._admit_here_and_there()
        try:
            return await admitted
        except asyncio.CancelledError:
            if was_served(admitted):
                passage = admitted.result()
                passage.gate.leave(passage, abandoned=True)
            raise

    def _admit_here_and_there(self) -> None:
        self._admit_all()
        for peer in self.peers:
            if peer is not self:
                peer._admit_all()

    def _admit_all(self) -> None:
        while self._admit_next():
            pass

    def _admit_one(self) -> None:
        """Called when it is this model's turn at the slots; then it queues again."""
        before = self.in_flight
        while self.in_flight == before:
            if not self._admit_next():
                return
        queue = self._next_queue()
        if queue and self._delay(queue[0].size, _now()) is None:
            self._all_slots.call_in_turn(self._admit_one)

    def _next_queue(self) -> deque[_Waiting]:
        """Its own, or else the longest of its peers whose first request may move and cannot pass
        there; what only waits for a slot stays where its beginning is known."""
        if self._queue or len(self.peers) == 1:
            return self._queue
        now, movable = _now(), list[deque[_Waiting]]()
        for peer in self.peers:
            first = peer._queue[0] if peer._queue else None
            if first is not None and first.may_move and peer._delay(first.size, now) is not None:
                movable.append(peer._queue)
        return max(movable, key=len, default=self._queue)

    def _admit_next(self) -> bool:
        """Whether the first in the queue is dealt with; if not, what lets it pass is arranged."""
        queue = self._next_queue()
        if not queue:
            return False
        first = queue[0]
        is_own = queue is self._queue
        refusal = None if first.admitted.done() else self._refusal(first.gives_way)
        if refusal is not None and not is_own:
            return False  # it waits for another replica
        if refusal is not None:
            first.admitted.set_exception(refusal)
        if first.admitted.done():  # cancelled, or sent away
            queue.popleft()
            return True
        delay = self._delay(first.size, _now())
        if delay is not None:
            first.held_by_rate |= delay.by == "rate"
            self._admit_later(delay.wait_s)
            return False
        if not self._all_slots.take():
            self._all_slots.call_in_turn(self._admit_one)
            return False
        queue.popleft()
        first.admitted.set_result(self._pass(first.size, held_by_rate=first.held_by_rate))
        return True

    def _admit_later(self, wait_s: float) -> None:
        """Where only a reply can help there is no timer, but a bound (see ``stall_s``)."""
        loop = asyncio.get_running_loop()
        at = loop.time() + min(wait_s, self._stall_s)
        if self._timer is not None and not self._timer.cancelled():
            if loop.time() < self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._admit_all)

    def _delay(self, size: RequestSize, now: float) -> Delay | None:
        """What a request waits for; for infinity where only a reply can change it."""
        if len(self.peers) > 1 and self._has_more_than_its_share(now):
            return FULL
        return self._server.delay(size, now)

    def _has_more_than_its_share(self, now: float) -> bool:
        """Whether others with room have far fewer in flight: a replica that is slow would come to
        hold all slots (hashing with bounded loads, Mirrokni et al., 2018)."""
        others = [one for one in self.peers if one is not self and one._server.is_ready(now)]
        if not others:
            return False
        mean = (sum(one.in_flight for one in others) + self.in_flight + 1) / (len(others) + 1)
        return self.in_flight >= max(_SMALL_LOAD, math.ceil(_MOST_OF_MEAN * mean))

    def _pass(self, size: RequestSize, *, held_by_rate: bool) -> Passage:
        sent, is_probe = self._server.sent(size, _now(), held_by_rate=held_by_rate)
        if is_probe:
            self._send_away()
        return Passage(self, sent, is_probe)

    def _send_away(self) -> None:
        """Requests that give way do not queue behind those that wait until the circuit closes."""
        turns: list[tuple[GivesWay, asyncio.Future[Any]]] = [*self._before_ceiling.waiting]
        turns += ((one.gives_way, one.admitted) for one in self._queue)
        for gives_way, turn in turns:
            if not turn.done() and (refusal := self._refusal(gives_way)) is not None:
                turn.set_exception(refusal)

    def _refusal(self, gives_way: GivesWay) -> CircuitOpenError | None:
        """None where the server is in order, or a request should wait until it is."""
        breaker = self._server.breaker
        if not breaker.is_open:
            return None
        breakers, last = [one._server.breaker for one in self.peers], breaker.last_failure
        if gives_way() or not all(one.is_open for one in breakers):
            if breaker.wait_s(_now()) <= 0:
                return None  # this one is the probe: how else to learn that the server is back?
            why = f"circuit open: model `{self._name}` is out of order. Last: {last}"
            return CircuitOpenError(why, model=self._name)
        out_s = min(one.out_s for one in breakers)
        return out_for_too_long(self._name, out_s, last) if out_s > self._stall_s else None

    def _learn(
        self, passage: Passage, error: CallError | None, headers: Mapping[str, str] | None
    ) -> None:
        change = self._server.ended(passage.sent, error, headers, _now(), is_probe=passage.is_probe)
        if change is None:
            return
        replica = {} if self.replica is None else {"replica": self.replica}
        failure = {} if error is None or change == "circuit_closed" else {"failure": str(error)}
        self._log.event(change, model=self._name, **replica, **failure)
        if change == "circuit_opened":
            self._send_away()


def _now() -> float:
    return asyncio.get_running_loop().time()
