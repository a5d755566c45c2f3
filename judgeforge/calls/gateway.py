"""The door to paid calls: cache, then (retry around) gate -> reserve -> send -> settle.

Nothing else in judgeforge sends a request. Each reply is stored before anyone uses it, equal calls
in flight are sent once, and every attempt passes the gate of its model, the budget and the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from judgeforge.calls.acceptance import Acceptance, Prompts
from judgeforge.calls.attempt import CallProgress, Sender
from judgeforge.calls.batch.desk import Batches, Door
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.call import Answer, Call, others_as_far
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.flight import Flight, StandIn, described, retrieve_error
from judgeforge.calls.hedging import race
from judgeforge.calls.known_answers import KnownAnswers
from judgeforge.calls.limits.gate import ModelGate, Passage
from judgeforge.calls.limits.queues import GivesWay, never
from judgeforge.calls.limits.turns import Turns
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.claims import current_claim
from judgeforge.calls.providers.base import ModelRequest
from judgeforge.calls.retry import RepeatedFailure, RetryClock, Tried, with_retries
from judgeforge.calls.stores import KeepsMoney, KeepsReplies
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import (
    CallError,
    CircuitOpenError,
    InterruptedRunError,
    MalformedReplyError,
    StatusError,
)
from judgeforge.store.batches import BatchBook
from judgeforge.store.log import RunLog

HEDGE_RESERVE = 10
"""How many of a hedge the budget must have room for: near its end, money is for what is needed."""


class Gateway:
    """Implements ``Asks`` (see call.py)."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        cache: KeepsReplies,
        budget: KeepsMoney,
        limits: LimitsConfig,
        log: RunLog,
        book: BatchBook | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Without a ``book`` (of the folder's batches) nothing is sent in batches."""
        self._endpoints, self._limits = endpoints, limits
        self._cache, self._budget, self._log = cache, budget, log
        self.acceptance = Acceptance()
        self._sender = Sender(cache, budget, log, self.acceptance, lambda: self._stopping)
        self.known = KnownAnswers(self._sender, budget, log, self.acceptance)
        self._flights: dict[str, Flight] = {}
        self._turns = Turns()
        self.batches: Batches | None = None
        if book is not None and isinstance(cache, ReplyCache) and isinstance(budget, Budget):
            door = Door(cache, budget, log, self.acceptance, limits, book, say)
            self.batches = Batches(door, endpoints, lambda: len(self._flights))
        self._overtaken: set[asyncio.Task[Any]] = set()
        """Nothing waits for them: what was slower than its hedge, hedges that came second."""
        self._stopping = False
        self.cached_calls = 0
        self.last_reply_at = time.monotonic()
        """When the last call brought a reply; the sign that the run makes progress."""

    async def ask(
        self, model: str, request: ModelRequest, *, sample: int = 0, gives_way: GivesWay = never
    ) -> Answer:
        """``gives_way``: whether to raise CircuitOpenError while the model is out of order."""
        endpoint = self._endpoints[model]
        call = endpoint.call(request, sample)
        await others_as_far()
        flight = self._under_way(call.key)
        if flight is None:
            stand_in = StandIn.of(endpoint, self._endpoints, request, sample)
            answer = self._stored(endpoint, call) or self._stored_stand_in(stand_in)
            if answer is not None:
                return answer
            if self._stopping:
                raise InterruptedRunError("the run is stopping")
            flight = self._launch(Flight(endpoint, call, stand_in, gives_way))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._stopping and flight.task.cancelled():
                raise InterruptedRunError("the run is stopping") from None
            raise
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.progress.sending:
                # Nothing waits for it any more, and it costs nothing yet.
                flight.task.cancel()

    def learn_from(self, prompts: Prompts) -> None:
        """What tells refusals of one prompt from those of a model."""
        self.acceptance.prompts = prompts

    def is_out_of_order(self, model: str) -> bool:
        return self._endpoints[model].gate.is_out_of_order

    @property
    def heard_at(self) -> float:
        """When a call brought a reply, or a provider told how a batch is."""
        of_batches = 0.0 if self.batches is None else self.batches.heard_at
        return max(self.last_reply_at, of_batches)

    @property
    def only_waits_for_batches(self) -> bool:
        """Whether all calls under way wait for batches that are under way."""
        batches = self.batches
        return batches is not None and batches.only_wait and len(self._flights) <= batches.waiting

    def look_again(self) -> None:
        """Where nothing comes back: find out whether that is because of the model."""
        if not self._stopping:
            self._keep_overtaken(asyncio.create_task(self._look_again()))

    async def _look_again(self) -> None:
        if await self.known.are_given(self._flights.values()):
            self.last_reply_at = time.monotonic()

    def what_it_waits_for(self) -> str:
        """For the message of a run that makes no progress."""
        waiting = described(self._flights.values())
        if self.batches is not None and (count := self.batches.count) is not None:
            waiting.append(str(count))
        return "; ".join(waiting) or "no call is under way"

    def stop(self) -> None:
        """Send nothing more; calls in flight may finish (see ``drain``)."""
        self._stopping = True
        for flight in self._flights.values():
            if not flight.progress.sending:
                flight.task.cancel()

    async def drain(self, grace_s: float) -> None:
        """Wait for the calls in flight (they are paid for), at most ``grace_s`` seconds."""
        if self.batches is not None:
            await self.batches.close(grace_s)
        tasks = [*(flight.task for flight in self._flights.values()), *self._overtaken]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def close(self) -> None:
        if self.batches is not None:
            await self.batches.close(0)
        servers = (server for one in self._endpoints.values() for server in one.servers)
        for server in {id(server): server for server in servers}.values():
            await server.close()

    def _stored(self, endpoint: Endpoint, call: Call) -> Answer | None:
        stored = self._cache.get(call)
        if stored is None:
            return None
        try:
            reply = endpoint.read(call, stored.reply.encode("utf-8", "surrogatepass"))
        except MalformedReplyError as error:
            self._cache.report_damage(call, str(error))
            return None
        if reply.finish == "failed":  # of an earlier version, which stored those
            return None
        self.known.note(call)
        self.cached_calls += 1
        self.last_reply_at = time.monotonic()
        if (claim := current_claim()) is not None:
            claim.cached_calls += 1
        return Answer(call.key, reply, stored.cost_usd, cached=True)

    def _stored_stand_in(self, stand_in: StandIn | None) -> Answer | None:
        """What the fallback answered in an earlier start is paid for, so it is used."""
        if stand_in is None:
            return None
        answer = self._stored(stand_in.endpoint, stand_in.call)
        return None if answer is None else replace(answer, answered_by=stand_in.endpoint.name)

    def _under_way(self, key: str) -> Flight | None:
        """A flight to join; not one that is about to end since nothing waited for it."""
        flight = self._flights.get(key)
        if flight is None or flight.task.done() or flight.task.cancelling():
            return None
        return flight

    def _launch(self, flight: Flight) -> Flight:
        key = flight.call.key
        flight.task = asyncio.create_task(self._fetch_or_fall_back(flight))
        self._flights[key] = flight
        self._turns.expect(flight.call.beginnings)

        def landed(done: asyncio.Task[Answer]) -> None:
            if self._flights.get(key) is flight:  # the call may have been begun anew meanwhile
                del self._flights[key]
            self._turns.ended(flight.call.beginnings)
            retrieve_error(done)

        flight.task.add_done_callback(landed)
        return flight

    async def _fetch_or_fall_back(self, flight: Flight) -> Answer:
        """Ask the fallback while the model is out of order; where both are, wait for the model."""
        endpoint, call = flight.endpoint, flight.call
        if flight.stand_in is None:
            return await self._fetch(flight, endpoint, call, flight.gives_way)
        other = flight.stand_in.endpoint

        def gives_way() -> bool:
            return not other.gate.is_out_of_order or flight.gives_way()

        while True:
            try:
                return await self._fetch(flight, endpoint, call, gives_way)
            except CircuitOpenError as error:
                if error.stops_run or other.gate.is_out_of_order:
                    raise
            try:
                answer = await self._fetch(flight, other, flight.stand_in.call, lambda: True)
            except CircuitOpenError:
                continue
            self._log.event("fell_back", model=endpoint.name, to=other.name, key=call.key)
            return replace(answer, answered_by=other.name)

    async def _fetch(
        self, flight: Flight, endpoint: Endpoint, call: Call, gives_way: GivesWay
    ) -> Answer:
        if self.batches is not None:
            # Between the look into the cache and this step a batch may have been collected.
            collected = self._stored(endpoint, call) if self.batches.has(endpoint.name) else None
            answer = collected or await self.batches.ask(endpoint, call)
            if answer is not None:
                self.known.note(call)
                self.last_reply_at = time.monotonic()
                return answer
        clock = RetryClock(endpoint.model.timeout_s * len(endpoint.gate.gates))
        failures = RepeatedFailure()

        async def once() -> Answer:
            try:
                return await self._send_to_one(flight, endpoint, call, gives_way, clock)
            except CallError as error:
                flight.last_error = error
                clock.count(error, call, self.known.known())
                await self.known.look_at(flight, endpoint, call, error)
                failures.look(
                    error,
                    self.acceptance.answers(call),
                    has_substitute=flight.stand_in is not None or flight.gives_way(),
                )
                raise

        with self.acceptance.under_way(call):
            while True:
                try:
                    answer = await with_retries(
                        once, self._limits, clock, is_wanted=flight.is_wanted, pause=flight.pause
                    )
                    break
                except StatusError as error:
                    was_down = error.status == 500 and self.acceptance.answers(call) == 0
                    if await self.known.is_beside(flight, endpoint, call, error):
                        continue
                    if error.stops_run or not was_down or not self.acceptance.answers(call):
                        raise
        self.known.note(call)
        self.last_reply_at = time.monotonic()
        return answer

    async def _send_to_one(
        self,
        flight: Flight,
        endpoint: Endpoint,
        call: Call,
        gives_way: GivesWay,
        clock: RetryClock,
    ) -> Answer:
        """Of several replicas, the next one at once where one fails."""
        size, tried, claim = endpoint.size(call), Tried(endpoint.gate), current_claim()
        near = claim.prompt if claim is not None and claim.prompt else call.key
        begun = time.monotonic()
        async with self._turns.turn(call.beginnings) as turn:
            while True:
                passage = await endpoint.gate.enter(
                    size, gives_way, near=near, avoiding=tried.gates, first=flight.is_doubted
                )
                if not await self.acceptance.may_send(call, passage):
                    continue
                clock.waited_s += time.monotonic() - begun
                turn.sent()
                try:
                    return await self._send(endpoint, call, passage, flight.progress)
                except CallError as error:
                    goes_on = flight.is_wanted() and not self._stopping
                    if not tried.failed(passage.gate, error) or not goes_on:
                        raise tried.error from error.__cause__
                begun = time.monotonic()

    async def _send(
        self, endpoint: Endpoint, call: Call, passage: Passage, progress: CallProgress
    ) -> Answer:
        call = endpoint.marked(call, self._turns.readers(call.beginnings))
        sending = self._sender.send(endpoint, call, passage, progress)
        after_s = endpoint.hedging.after_s
        if after_s is None:
            return await sending
        hedge = partial(self._hedge, endpoint, call, progress, passage.gate)
        return await race(sending, hedge, after_s=after_s, keep=self._keep_overtaken)

    async def _hedge(
        self, endpoint: Endpoint, call: Call, progress: CallProgress, late: ModelGate
    ) -> Coroutine[Any, Any, Answer] | None:
        if self._stopping or progress.stored:
            return None
        most = endpoint.most_pico(call)
        if not self._budget.has_room((most or 0) * HEDGE_RESERVE, HEDGE_RESERVE):
            return None
        passage = await endpoint.gate.try_enter(endpoint.size(call), besides=late)
        if passage is None:
            return None
        try:
            self._log.event("hedged", model=endpoint.name, key=call.key)
        except Exception:
            passage.gate.leave(passage, abandoned=True)
            raise
        return self._sender.send(endpoint, call, passage, progress)

    def _keep_overtaken(self, task: asyncio.Task[Any]) -> None:
        """It may still be billed, so it is waited for, and only its end tells how much it cost."""
        self._overtaken.add(task)
        task.add_done_callback(self._overtaken.discard)
        task.add_done_callback(retrieve_error)
