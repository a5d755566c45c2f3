"""The door to paid calls: cache, then (retry around) slot -> throttle -> reserve -> send -> settle.

Nothing else in judgeforge sends a request. Each reply is stored before anyone uses it, equal calls
in flight are sent once, and every attempt passes the budget and the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from judgeforge.calls.answer import Answer
from judgeforge.calls.budget import Budget, Reservation
from judgeforge.calls.cache import ReplyCache, StoredReply
from judgeforge.calls.call import Call
from judgeforge.calls.call_log import CallLog
from judgeforge.calls.claim import current_claim
from judgeforge.calls.endpoint import Endpoint
from judgeforge.calls.prices import BYTES_PER_TOKEN, most_output_tokens, to_usd
from judgeforge.calls.retry import with_retries
from judgeforge.config import LimitsConfig
from judgeforge.errors import (
    CallError,
    InterruptedRunError,
    MalformedReplyError,
    NotConnectedError,
    StatusError,
)
from judgeforge.providers.base import ModelReply, ModelRequest, Usage
from judgeforge.redaction import redact_values


@dataclass(slots=True)
class _Flight:
    """A call under way and how many wait for it."""

    task: asyncio.Task[Answer]
    waiting: int = 0
    sending: bool = False


class Gateway:
    """Implements ``Asks`` (see answer.py)."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        *,
        cache: ReplyCache,
        budget: Budget,
        limits: LimitsConfig,
        log: CallLog,
    ) -> None:
        self._endpoints = endpoints
        self._cache = cache
        self._budget = budget
        self._limits = limits
        self._log = log
        self._flights: dict[str, _Flight] = {}
        self._stopping = False
        self.cached_calls = 0

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        endpoint = self._endpoints[model]
        call = endpoint.call(request, sample)
        flight = self._flights.get(call.key)
        if flight is None:
            stored = self._cache.get(call)
            if stored is not None:
                return self._from_cache(endpoint, call, stored)
            if self._stopping:
                raise InterruptedRunError("the run is stopping")
            flight = self._launch(endpoint, call)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._stopping and flight.task.cancelled():
                raise InterruptedRunError("the run is stopping") from None
            raise
        finally:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.sending:
                # Nobody wants it any more and it costs nothing yet.
                flight.task.cancel()

    def stop(self) -> None:
        """Send nothing more; calls in flight may finish (see ``drain``)."""
        self._stopping = True
        for flight in self._flights.values():
            if not flight.sending:
                flight.task.cancel()

    async def drain(self, grace_s: float) -> None:
        """Wait for the calls in flight (they are paid for), at most ``grace_s`` seconds."""
        tasks = [flight.task for flight in self._flights.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def close(self) -> None:
        for provider in {id(e.provider): e.provider for e in self._endpoints.values()}.values():
            await provider.close()

    def _from_cache(self, endpoint: Endpoint, call: Call, stored: StoredReply) -> Answer:
        self.cached_calls += 1
        claim = current_claim()
        if claim is not None:
            claim.cached_calls += 1
        reply = endpoint.provider.read(stored.reply.encode("utf-8", "surrogatepass"))
        return Answer(call.key, reply, stored.cost_usd, cached=True)

    def _launch(self, endpoint: Endpoint, call: Call) -> _Flight:
        task = asyncio.create_task(self._fetch(endpoint, call))
        flight = _Flight(task)
        self._flights[call.key] = flight

        def landed(done: asyncio.Task[Answer]) -> None:
            del self._flights[call.key]
            if not done.cancelled():
                done.exception()  # whoever waited has it; nobody may be left to retrieve it

        task.add_done_callback(landed)
        return flight

    async def _fetch(self, endpoint: Endpoint, call: Call) -> Answer:
        attempt = 0

        async def once() -> Answer:
            nonlocal attempt
            attempt += 1
            return await self._attempt(endpoint, call, attempt)

        return await with_retries(once, self._limits)

    async def _attempt(self, endpoint: Endpoint, call: Call, attempt: int) -> Answer:
        async with endpoint.throttle.slot():
            tokens = self._expected_tokens(call)
            await endpoint.throttle.admit(tokens)
            reservation = await self._budget.reserve(endpoint.most_pico(call))
            if self._stopping:
                self._budget.release(reservation)
                raise InterruptedRunError("the run is stopping")
            flight = self._flights[call.key]
            flight.sending = True
            try:
                return await self._send(endpoint, call, attempt, reservation, tokens)
            finally:
                flight.sending = False

    async def _send(
        self, endpoint: Endpoint, call: Call, attempt: int, reservation: Reservation, tokens: int
    ) -> Answer:
        start = time.monotonic()
        try:
            raw = await endpoint.provider.send(call.body, model=endpoint.model)
            text, reply = _read(endpoint, raw.body)
        except CallError as error:
            error.model = endpoint.name
            self._settle_failure(reservation, error)
            self._stop_on_unknown_endpoint(endpoint, error)
            self._log_attempt(endpoint, call, attempt, start, error=error)
            raise
        except asyncio.CancelledError:
            # Sent and abandoned: it may be billed, so it stays reserved for good.
            self._budget.settle(reservation, reservation.pico)
            self._log.call(
                key=call.key,
                model=endpoint.name,
                provider=endpoint.model.provider,
                attempt=attempt,
                outcome="abandoned",
                latency_s=time.monotonic() - start,
            )
            raise
        endpoint.has_answered = True
        latency = time.monotonic() - start
        pico, usage = _bill(endpoint, reservation, reply)
        cost = None if pico is None else to_usd(pico)
        stored = StoredReply(text, cost, usage.input_tokens, usage.output_tokens, latency)
        await self._cache.put(call, stored)
        self._budget.settle(reservation, pico, tokens=(usage.input_tokens, usage.output_tokens))
        endpoint.throttle.give_back(tokens - usage.input_tokens - usage.output_tokens)
        self._log.call(
            key=call.key,
            model=endpoint.name,
            provider=endpoint.model.provider,
            attempt=attempt,
            outcome=reply.finish,
            latency_s=latency,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=cost,
        )
        return Answer(call.key, reply, cost, cached=False)

    def _expected_tokens(self, call: Call) -> int:
        return len(call.request) // BYTES_PER_TOKEN + most_output_tokens(call.body)

    def _settle_failure(self, reservation: Reservation, error: CallError) -> None:
        if isinstance(error, NotConnectedError | StatusError):
            self._budget.release(reservation)
        else:
            self._budget.settle(reservation, reservation.pico)

    def _stop_on_unknown_endpoint(self, endpoint: Endpoint, error: CallError) -> None:
        """404 on a model that never answered is no bad request but a wrong name or address."""
        if isinstance(error, StatusError) and error.status == 404 and not endpoint.has_answered:
            error.stops_run = True

    def _log_attempt(
        self, endpoint: Endpoint, call: Call, attempt: int, start: float, *, error: CallError
    ) -> None:
        self._log.call(
            key=call.key,
            model=endpoint.name,
            provider=endpoint.model.provider,
            attempt=attempt,
            outcome=type(error).__name__,
            latency_s=time.monotonic() - start,
            status=getattr(error, "status", None),
            error=str(error),
        )


def _read(endpoint: Endpoint, raw: bytes) -> tuple[str, ModelReply]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedReplyError(f"the reply is not UTF-8: {error}") from error
    if (harmless := redact_values(text)) is not text:
        # A server that sends the key back: the reply is stored, the key is not.
        text, raw = harmless, harmless.encode()
    return text, endpoint.provider.read(raw)


def _bill(
    endpoint: Endpoint, reservation: Reservation, reply: ModelReply
) -> tuple[int | None, Usage]:
    """A reply that does not say what it used counts as the most it can have cost."""
    if reply.usage is None:
        return reservation.pico, Usage(0, 0)
    return endpoint.cost_pico(reply.usage), reply.usage
