"""One attempt of one call, once it has passed the gate: reserve -> send -> store -> settle."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from judgeforge.calls.acceptance import Acceptance
from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.limits.gate import Passage
from judgeforge.calls.money.budget import Reservation
from judgeforge.calls.money.prices import MOST_POSSIBLE_TOKENS
from judgeforge.calls.providers.base import ModelReply, RawReply, Usage
from judgeforge.calls.stores import KeepsMoney, KeepsReplies
from judgeforge.errors import (
    PAGE_STATUS,
    BrokenReplyError,
    CallError,
    FlaggedInputError,
    InterruptedRunError,
    NotConnectedError,
    StatusError,
)
from judgeforge.store.log import CallRecord, RunLog
from judgeforge.store.spending import to_usd
from judgeforge.text.redaction import redact_values

_BYTE_ORDER_MARK = codecs.BOM_UTF8
"""Some servers begin a JSON body with it, which JSON parsers refuse."""


@dataclass(slots=True)
class CallProgress:
    """How far a call is, over all its attempts."""

    attempts: int = 0
    sending: int = 0
    """Requests under way that may be billed."""
    stored: bool = False
    """Its reply is known: that of a hedge that comes later is only paid for."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    endpoint: Endpoint
    call: Call
    passage: Passage
    reservation: Reservation
    number: int
    start: float

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.start


class Sender:
    def __init__(
        self,
        cache: KeepsReplies,
        budget: KeepsMoney,
        log: RunLog,
        acceptance: Acceptance,
        stopping: Callable[[], bool],
    ) -> None:
        self._cache, self._budget, self._run_log = cache, budget, log
        self._acceptance = acceptance
        self._stopping = stopping

    async def send(
        self, endpoint: Endpoint, call: Call, passage: Passage, progress: CallProgress
    ) -> Answer:
        """Raises CallError, BudgetExhaustedError and StoreError; gives the passage back."""
        attempt: _Attempt | None = None
        error: CallError | None = None
        raw: RawReply | None = None
        try:
            attempt = await self._begin(endpoint, call, passage, progress)
            progress.sending += 1
            try:
                with self._acceptance.sending(call):
                    raw, text, reply = await self._exchange(attempt)
                return await self._keep(attempt, text, reply, progress)
            finally:
                progress.sending -= 1
        except CallError as failure:
            error = failure
            raise
        finally:
            if attempt is None:
                passage.gate.used(passage, 0)
            passage.gate.leave(
                passage,
                error=error,
                abandoned=error is None and raw is None,
                headers=None if raw is None else raw.headers,
            )

    async def _begin(
        self, endpoint: Endpoint, call: Call, passage: Passage, progress: CallProgress
    ) -> _Attempt:
        reservation = await self._budget.reserve(endpoint.most_pico(call))
        if self._stopping() or progress.stored:
            self._budget.release(reservation)
            why = "the run is stopping" if self._stopping() else "the first request was answered"
            raise InterruptedRunError(why)
        progress.attempts += 1
        return _Attempt(endpoint, call, passage, reservation, progress.attempts, time.monotonic())

    async def _exchange(self, attempt: _Attempt) -> tuple[RawReply, str, ModelReply]:
        endpoint = attempt.endpoint
        try:
            server = endpoint.server(attempt.passage.gate)
            body = attempt.call.sent or attempt.call.body
            raw = await server.send(body, model=endpoint.model)
            text, reply = read_reply(endpoint, attempt.call, raw.body)
            if reply.finish == "failed":
                most = attempt.reservation.pico
                raise broken_reply(endpoint, attempt.call, reply, most, self._run_log)
            return raw, text, reply
        except CallError as error:
            error.model = endpoint.name
            if isinstance(error, FlaggedInputError) and error.reads_billed:
                self._budget.settle(attempt.reservation, endpoint.most_input_pico(attempt.call))
            elif isinstance(error, NotConnectedError) or _is_refusal(error):
                self._budget.release(attempt.reservation)
            elif isinstance(error, BrokenReplyError):
                self._budget.settle(attempt.reservation, error.pico)
            else:
                self._budget.settle(attempt.reservation, attempt.reservation.pico)
            status = getattr(error, "status", None)
            self._log(attempt, type(error).__name__, status=status, error=str(error))
            raise
        except asyncio.CancelledError:
            # Sent and abandoned: it may be billed, so it stays reserved for good.
            self._budget.settle(attempt.reservation, attempt.reservation.pico)
            self._log(attempt, "abandoned")
            raise

    async def _keep(
        self, attempt: _Attempt, text: str, reply: ModelReply, progress: CallProgress
    ) -> Answer:
        """Store the reply before anything uses it, then settle what it cost."""
        endpoint, call, latency = attempt.endpoint, attempt.call, attempt.elapsed_s
        self._acceptance.answered(call)
        endpoint.hedging.replied(latency)
        pico, usage = billed(endpoint, call, reply, attempt.reservation.pico, self._run_log)
        cost = None if pico is None else to_usd(pico)
        tokens = (usage.input_tokens, usage.output_tokens)
        if not progress.stored:
            progress.stored = True
            await self._cache.put(call, StoredReply(text, cost, *tokens, latency))
        self._budget.settle(attempt.reservation, pico, tokens=tokens)
        attempt.passage.gate.used(attempt.passage, sum(tokens))
        self._log(
            attempt,
            reply.finish,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost_usd=cost,
            cached_tokens=usage.cached_input_tokens or None,
            written_tokens=usage.cache_write_tokens or None,
        )
        return Answer(call.key, reply, cost, cached=False)

    def _log(self, attempt: _Attempt, outcome: str, **more: Any) -> None:  # noqa: ANN401 (of CallRecord)
        record = CallRecord(
            key=attempt.call.key,
            model=attempt.endpoint.name,
            provider=attempt.endpoint.model.provider,
            attempt=attempt.number,
            outcome=outcome,
            latency_s=attempt.elapsed_s,
            replica=attempt.passage.gate.replica,
            **more,
        )
        self._run_log.call(record)


def _is_refusal(error: CallError) -> bool:
    """A page may stand in place of a reply that was paid for."""
    return isinstance(error, StatusError) and error.status != PAGE_STATUS


def billed(
    endpoint: Endpoint,
    call: Call,
    reply: ModelReply,
    reserved: int | None,
    log: RunLog,
    *,
    in_batch: bool = False,
) -> tuple[int | None, Usage]:
    """What a reply cost, in picodollars, and what it used. One that does not say what it used
    counts as the most it should have cost."""
    usage = reply.usage
    if usage is None:
        return reserved, Usage(0, 0)
    used: dict[str, Any] = {
        "model": endpoint.name,
        "key": call.key,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }
    if max(usage.input_tokens, usage.output_tokens) > MOST_POSSIBLE_TOKENS:
        log.event("usage_impossible", **used)
        return reserved, Usage(0, 0)
    pico = endpoint.cost_pico(usage, in_batch=in_batch)
    if pico is not None and reserved is not None and pico > reserved:
        endpoint.beyond_pico = max(endpoint.beyond_pico, pico)
        log.event(
            "reservation_exceeded", **used, cost_usd=to_usd(pico), reserved_usd=to_usd(reserved)
        )
    return pico, usage


def broken_reply(
    endpoint: Endpoint,
    call: Call,
    reply: ModelReply,
    reserved: int | None,
    log: RunLog,
    *,
    in_batch: bool = False,
) -> BrokenReplyError:
    """For a reply that its server broke off: it is paid for, and never stored."""
    pico, _ = billed(endpoint, call, reply, reserved, log, in_batch=in_batch)
    return BrokenReplyError(f"the server broke off its reply: {reply.end}", pico=pico)


def read_reply(endpoint: Endpoint, call: Call, raw: bytes) -> tuple[str, ModelReply]:
    """The reply as it is stored, and what it says. Raises MalformedReplyError."""
    try:
        text = raw.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError:
        # Half a character, as some engines write where they cut: what is whole is not lost to it.
        text = raw.removeprefix(_BYTE_ORDER_MARK).decode(errors="replace")
        raw = text.encode()
    if (harmless := redact_values(text)) is not text:
        # A server that sends the key back: the reply is stored, the key is not.
        text, raw = harmless, harmless.encode()
    return text, endpoint.read(call, raw.removeprefix(_BYTE_ORDER_MARK))
