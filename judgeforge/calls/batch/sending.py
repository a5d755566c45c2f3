"""Sends what was gathered: reserve all of it -> hand over the file -> create the batch, once.

In this order, so that the next start knows after a kill at any moment what may have been bought:

1. The requests are on the disk, beside the row that says which reservations will be theirs.
2. The most that they can cost, all together, is reserved.
3. Their file is handed over, which buys nothing and may be repeated.
4. That the batch is about to be created is on the disk, forced there.
5. The call that creates it is made. One that may have succeeded is never repeated before the batch
   has been looked for.
6. The id of the batch is on the disk, forced there.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from judgeforge.calls.batch.finding import find_again
from judgeforge.calls.batch.gathering import Gathered
from judgeforge.calls.batch.open_batch import OpenBatch
from judgeforge.calls.call import Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.providers.batches import BatchServer, BatchState, write_requests
from judgeforge.calls.retry import persistently
from judgeforge.errors import CallError, NotConnectedError, StatusError
from judgeforge.store.batches import StoredRequest

if TYPE_CHECKING:
    from judgeforge.calls.batch.desk import Door

_UNDECIDED = frozenset({408, 409, 425, 499})
"""Statuses of a gateway that may have passed the request on; so has any of 500 and more."""


def plan(
    door: Door, endpoint: Endpoint, server: BatchServer, chosen: Sequence[Gathered]
) -> OpenBatch | None:
    """Write down what is to be sent and reserve it, without a pause in between.

    None where the day has no room for it just now. Raises StoreError.
    """
    nonce, book, calls = secrets.token_hex(8), door.book, [one.call for one in chosen]
    book.keep_requests(nonce, (StoredRequest(call.key, call.request) for call in calls))
    write_requests(
        book.input_file(nonce),
        (server.request(call.key, call.sent or call.body) for call in _marked(endpoint, calls)),
        server.wrapping,
    )
    reservations = door.budget.reserve_batch(
        [endpoint.most_pico(call, in_batch=True) for call in calls],
        lambda first, day: book.planned(nonce, endpoint.name, len(calls), first, day),
    )
    if reservations is None:
        book.remove_files(nonce)
        return None
    return OpenBatch(
        nonce,
        endpoint,
        server,
        tokens=sum(one.tokens for one in chosen),
        reservations=dict(zip((call.key for call in calls), reservations, strict=True)),
        waited_for={one.call.key: one for one in chosen},
    )


def _marked(endpoint: Endpoint, calls: Sequence[Call]) -> Iterator[Call]:
    """As they are sent: a row's beginning is marked for as many as this batch has of it."""
    readers = Counter(call.beginnings[-1] for call in calls if call.beginnings)
    for call in calls:
        with_it = readers[call.beginnings[-1]] if call.beginnings else 0
        yield endpoint.marked(call, with_it, in_batch=True)


class UndecidedError(CallError):
    """Whether a batch was created cannot be found out just now; the next start looks again."""

    stops_run = True


async def create(door: Door, batch: OpenBatch) -> None:
    """Raises UndecidedError; or CallError where the batch was not created, and releases all."""
    server, model, book = batch.server, batch.endpoint.model, door.book
    file, is_undecided = book.input_file(batch.nonce), False
    try:
        uploaded = await persistently(
            lambda: server.upload(file, model),
            door.limits,
            f"handing over a batch of model `{batch.endpoint.name}`",
        )

        async def once() -> BatchState:
            nonlocal is_undecided
            book.creating(batch.nonce, uploaded)
            try:
                return await server.create(file, uploaded, batch.nonce, model)
            except CallError as error:
                if surely_refused(error):
                    raise
                is_undecided = True
                found = await find_again(door, batch)
                is_undecided = False
                if found is None:
                    raise
                return found

        state = await persistently(
            once, door.limits, f"creating a batch of model `{batch.endpoint.name}`"
        )
    except CallError as error:
        error.model = batch.endpoint.name
        if is_undecided:
            raise UndecidedError(
                f"a batch of model `{error.model}` may have been created, and cannot be looked "
                f"for: {error} Start the same command again: it is looked for before anything of "
                "it is sent anew.",
                model=error.model,
            ) from error
        abandon(door, batch)
        raise
    keep_created(door, batch, state)


def keep_created(door: Door, batch: OpenBatch, state: BatchState) -> None:
    batch.state = state
    door.book.created(batch.nonce, state.id)
    door.log.event(
        "batch_created",
        model=batch.endpoint.name,
        batch=state.id,
        requests=len(batch.reservations),
        nonce=batch.nonce,
    )


def abandon(door: Door, batch: OpenBatch) -> None:
    """It was never created: nothing of it is billed."""
    batch.release(door.budget)
    door.book.ended(batch.nonce, 0)


def surely_refused(error: CallError) -> bool:
    """Whether a call that was to create a batch created none."""
    if isinstance(error, StatusError):
        return 400 <= error.status < 500 and error.status not in _UNDECIDED
    return isinstance(error, NotConnectedError)
