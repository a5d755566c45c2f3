"""Collects a batch that has ended: its results -> the cache, then what they cost, then who waits.

A kill in the middle loses nothing: the next start fetches the results again, and what is settled
already is left alone.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from judgeforge.calls.acceptance import FIRST_REFUSALS
from judgeforge.calls.attempt import billed, broken_reply, read_reply
from judgeforge.calls.batch.open_batch import OpenBatch
from judgeforge.calls.cache_entry import StoredReply
from judgeforge.calls.call import Answer, Call, stored_call
from judgeforge.calls.providers.base import ModelReply
from judgeforge.calls.providers.batches import BatchLine, BatchState, CutShort, lines_of
from judgeforge.calls.providers.http_errors import error_in_answered_line, line_error
from judgeforge.calls.retry import persistently
from judgeforge.errors import (
    BrokenReplyError,
    CallError,
    MalformedReplyError,
    NoReplyError,
    NotRunError,
    StatusError,
)
from judgeforge.store.log import CallRecord
from judgeforge.store.spending import to_usd
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.calls.batch.desk import Door

_FEW = 0.1
"""Up to this share of a batch with answers, lines that are refused like a key or an account are
asked again directly, at the full price where they are answered then."""
_TOGETHER = 200
"""Lines that share a transaction of the cache."""
_OF_ENQUEUED_TOKENS = frozenset({"token_limit_exceeded"})
"""Codes with which a file is refused because too much is under way already."""

_HOW_CUT_SHORT: Mapping[CutShort | None, str] = {
    "expired": "expired",
    "cancelled": "was cancelled",
    "failed": "failed",
    None: "ended",
}


_Refused = tuple[Call, StatusError]


@dataclass(frozen=True, slots=True)
class _Replied:
    call: Call
    text: str
    reply: ModelReply
    pico: int | None
    direct_pico: int | None
    """What it would have cost directly."""
    tokens: tuple[int, int]


async def collect(door: Door, batch: OpenBatch, state: BatchState) -> list[str]:
    """The keys of those to be gathered again: the provider took none of them."""
    if state.problems and not state.files:
        return _refused_whole(door, batch, state)
    name = batch.endpoint.name
    requests = {one.key: one.request for one in door.book.requests(batch.nonce)}
    sent, not_run = len(requests), 0
    lines: Iterator[bytes] = iter(())
    if state.files or batch.server.proven_by_results:
        into = door.book.results_file(batch.nonce)
        await persistently(
            lambda: batch.server.fetch(state, into, batch.endpoint.model),
            door.limits,
            f"fetching the results of batch {state.id}",
        )
        lines = lines_of(into)
    answered, doubtful = 0, list[_Refused]()
    while some := list(islice(lines, _TOGETHER)):
        read = (batch.server.read(line) for line in some)
        # A key twice would be settled twice, and one of another batch is nobody's.
        ours = {line.key: line for line in read if line is not None and line.key in requests}
        results = [(stored_call(name, requests.pop(key)), line) for key, line in ours.items()]
        answered += _take(door, batch, state, results, doubtful)
        not_run += sum(line.kind == "not_run" for _, line in results)
        await asyncio.sleep(0)
    may_be_of_prompts = answered and len(doubtful) <= max(FIRST_REFUSALS - 1, sent * _FEW)
    for call, error in doubtful:
        _unbilled(door, batch, state, call, error, sends_directly=bool(may_be_of_prompts))
    for request in requests.values():
        _without_result(door, batch, state, stored_call(name, request))
    _tell_not_run(door, batch, state, not_run + (len(requests) if state.cut_short else 0), sent)
    door.book.ended(batch.nonce, state.answered)
    door.log.event("batch_ended", model=batch.endpoint.name, batch=state.id)
    return []


def _take(
    door: Door,
    batch: OpenBatch,
    state: BatchState,
    results: Sequence[tuple[Call, BatchLine]],
    doubtful: list[_Refused],
) -> int:
    """How many were answered. ``doubtful`` gets the refusals that may be about the account: what
    they are about is known once all results are."""
    replied, refused = list[_Replied](), list[_Refused]()
    for call, line in results:
        if (refusal := _refusal(batch, line)) is not None:
            refused.append((call, refusal))
        elif line.kind == "answered":
            try:
                replied.append(_read(door, batch, call, line))
            except (MalformedReplyError, BrokenReplyError) as error:
                _lost(door, batch, state, call, error)
    latency_s = max(0.0, time.time() - batch.entry(door.book).since)
    door.cache.put_all(
        (
            one.call,
            StoredReply(
                one.text, None if one.pico is None else to_usd(one.pico), *one.tokens, latency_s
            ),
        )
        for one in replied
    )
    for one in replied:
        _answer(door, batch, state, one, latency_s)
    doubtful += _like_an_account(door, batch, state, refused)
    for call, line in results:
        if line.kind == "not_run":
            _unbilled(door, batch, state, call, _not_run(state))
        elif line.kind == "lost":
            _lost(door, batch, state, call, _no_reply(state))
    return len(replied)


def _refusal(batch: OpenBatch, line: BatchLine) -> StatusError | None:
    where, model = batch.server.where, batch.endpoint.model
    if line.kind == "answered":
        return error_in_answered_line(line.body, where, model)
    return line_error(line.body, line.status, where, model) if line.kind == "refused" else None


def _like_an_account(
    door: Door, batch: OpenBatch, state: BatchState, refused: Sequence[_Refused]
) -> list[_Refused]:
    """Those that are refused so, or like a key; the others fail alone."""
    found = []
    for call, error in refused:
        if error.stops_run or error.of_account:
            found.append((call, error))
        else:
            _unbilled(door, batch, state, call, error)
    return found


def _read(door: Door, batch: OpenBatch, call: Call, line: BatchLine) -> _Replied:
    reservation = batch.reservations[call.key]
    most = None if reservation is None else reservation.pico
    text, reply = read_reply(batch.endpoint, call, json.dumps(line.body).encode())
    if reply.finish == "failed":
        raise broken_reply(batch.endpoint, call, reply, most, door.log, in_batch=True)
    pico, usage = billed(batch.endpoint, call, reply, most, door.log, in_batch=True)
    is_known = reply.usage is not None and batch.endpoint.batch_price is not None
    directly = batch.endpoint.cost_pico(usage) if is_known else None
    return _Replied(call, text, reply, pico, directly, (usage.input_tokens, usage.output_tokens))


def _answer(
    door: Door, batch: OpenBatch, state: BatchState, one: _Replied, latency_s: float
) -> None:
    key, cost = one.call.key, None if one.pico is None else to_usd(one.pico)
    reservation = batch.reservations[key]
    if reservation is not None:
        door.acceptance.answered(one.call)
        door.budget.settle(reservation, one.pico, tokens=one.tokens)
        batch.reservations[key] = None
        input_tokens, output_tokens = one.tokens
        used = one.reply.usage
        door.log.call(
            _record(
                batch,
                state,
                key,
                one.reply.finish,
                latency_s,
                input_tokens=input_tokens,
                output_tokens=output_tokens,
                cost_usd=cost,
                cached_tokens=None if used is None else used.cached_input_tokens or None,
                written_tokens=None if used is None else used.cache_write_tokens or None,
                direct_cost_usd=None if one.direct_pico is None else to_usd(one.direct_pico),
            )
        )
    batch.answer(key, Answer(key, one.reply, cost, cached=False))


def _without_result(door: Door, batch: OpenBatch, state: BatchState, call: Call) -> None:
    """A batch that was cut short did not run it; one that is done should have had it."""
    if state.cut_short:
        _unbilled(door, batch, state, call, _not_run(state))
    else:
        _lost(door, batch, state, call, _no_reply(state))


def _tell_not_run(door: Door, batch: OpenBatch, state: BatchState, number: int, sent: int) -> None:
    if not number:
        return
    name, why = batch.endpoint.name, _HOW_CUT_SHORT[state.cut_short]
    door.log.event("batch_cut_short", model=name, batch=state.id, why=why, not_run=number)
    door.say(
        f"batch {state.id} of model `{name}` {why}: {number:,} of its {counted(sent, 'request')} "
        "were not run. They cost nothing and are asked again"
    )


def _unbilled(
    door: Door,
    batch: OpenBatch,
    state: BatchState,
    call: Call,
    error: CallError,
    *,
    sends_directly: bool = False,
) -> None:
    """``sends_directly``: whether to ask once more, where refusals are told from those of one
    prompt."""
    if batch.reservations[call.key] is not None:
        batch.release(door.budget, [call.key])
        _log_failure(door, batch, state, call, error)
    error.model = batch.endpoint.name
    if sends_directly:
        batch.answer(call.key, None)
    else:
        batch.fail(call.key, error)


def _lost(door: Door, batch: OpenBatch, state: BatchState, call: Call, error: CallError) -> None:
    """It may have been billed, so it counts as spent whole, unless it says what it cost."""
    reservation = batch.reservations[call.key]
    if reservation is not None:
        pico = error.pico if isinstance(error, BrokenReplyError) else reservation.pico
        door.budget.settle(reservation, pico)
        batch.reservations[call.key] = None
        _log_failure(door, batch, state, call, error)
    error.model = batch.endpoint.name
    batch.fail(call.key, error)


def _refused_whole(door: Door, batch: OpenBatch, state: BatchState) -> list[str]:
    """Nothing of it was run. Lines that the provider names fail, the others are gathered again."""
    calls = [
        stored_call(batch.endpoint.name, one.request) for one in door.book.requests(batch.nonce)
    ]
    first = state.problems[0]
    door.log.event("batch_refused", model=batch.endpoint.name, batch=state.id, error=first.message)
    again: list[str] = []
    by_line = {problem.line: problem for problem in state.problems if problem.line}
    for number, call in enumerate(calls, 1):
        problem = by_line.get(number, first)
        if first.code in _OF_ENQUEUED_TOKENS or (by_line and number not in by_line):
            batch.release(door.budget, [call.key])
            again.append(call.key)
            continue
        body = {"error": {"code": problem.code, "message": problem.message}}
        error = line_error(body, 400, batch.server.where, batch.endpoint.model)
        if not by_line:
            error.stops_run = True
        _unbilled(door, batch, state, call, error)
    door.book.ended(batch.nonce, 0)
    return again


def _not_run(state: BatchState) -> NotRunError:
    return NotRunError(
        f"batch {state.id} {_HOW_CUT_SHORT[state.cut_short]} before this request was run, which is "
        "not billed"
    )


def _no_reply(state: BatchState) -> NoReplyError:
    return NoReplyError(f"batch {state.id} ended without a reply to this request")


def _log_failure(
    door: Door, batch: OpenBatch, state: BatchState, call: Call, error: CallError
) -> None:
    status = error.status if isinstance(error, StatusError) else None
    latency_s = max(0.0, time.time() - batch.entry(door.book).since)
    name = type(error).__name__
    door.log.call(_record(batch, state, call.key, name, latency_s, status=status, error=str(error)))


def _record(
    batch: OpenBatch,
    state: BatchState,
    key: str,
    outcome: str,
    latency_s: float,
    **more: object,
) -> CallRecord:
    return CallRecord(
        key=key,
        model=batch.endpoint.name,
        provider=batch.endpoint.model.provider,
        attempt=1,
        outcome=outcome,
        latency_s=latency_s,
        batch=state.id,
        **more,  # type: ignore[arg-type]
    )
