"""Finds a batch again that was being created when the process was killed, or no reply came.

Creating a batch is the one step that must not be made twice, and the one whose reply may be lost.
Where the provider keeps our mark, a batch that has it is ours. Where it keeps none, those of the
right time and size may be: once one has ended, its results name the requests, and no other batch
has those keys.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from judgeforge.calls.batch.open_batch import OpenBatch
from judgeforge.calls.providers.batches import TRANSFER_S, BatchState, Sought, lines_of
from judgeforge.calls.retry import persistently

if TYPE_CHECKING:
    from judgeforge.calls.batch.desk import Door

APPEARS_WITHIN_S = 10.0
"""A batch that the provider does not list this long after it was to be created was not created."""
_LOOK_AGAIN_S = 1.0
_READ = 20
"""Lines of results that are looked at for our keys."""


async def find_again(door: Door, batch: OpenBatch) -> BatchState | None:
    """None where it was not created."""
    entry = batch.entry(door.book)
    sought = Sought(batch.nonce, entry.requests, entry.since)
    door.log.event("batch_sought", model=entry.model, nonce=batch.nonce)
    until = time.monotonic() + min(
        APPEARS_WITHIN_S, max(0.0, entry.since + APPEARS_WITHIN_S - time.time())
    )
    refuted: set[str] = set()
    while True:
        known = {one.id for one in door.book.entries.values()} | refuted
        found = await persistently(
            lambda: batch.server.find(sought, batch.endpoint.model),
            door.limits,
            f"looking for a batch of model `{entry.model}` that may have been created",
        )
        candidates = [one for one in found if one.id not in known and _fits(one, sought)]
        for state in sorted(candidates, key=lambda one: abs(one.created_at - sought.since)):
            if not batch.server.proven_by_results or await _is_ours(door, batch, state):
                door.log.event("batch_found", model=entry.model, batch=state.id)
                return state
            refuted.add(state.id)
        if not candidates and time.monotonic() >= until:
            door.log.event("batch_not_created", model=entry.model, nonce=batch.nonce)
            return None
        await asyncio.sleep(_LOOK_AGAIN_S)


def _fits(state: BatchState, sought: Sought) -> bool:
    """A creation ends within the time that its transfer has."""
    return state.created_at <= sought.since + 2 * TRANSFER_S


async def _is_ours(door: Door, batch: OpenBatch, state: BatchState) -> bool:
    """Waits until it has ended, since only then there are results. One without any is not ours for
    all that anybody can know, and nothing of it was billed."""
    model, pause_s = batch.endpoint.model, _LOOK_AGAIN_S
    while not state.ended:
        await asyncio.sleep(pause_s)
        pause_s = min(60.0, 1.5 * pause_s)
        batch.looked_at = time.monotonic()
        look = partial(batch.server.look, state.id, model)
        state = await persistently(look, door.limits, "looking at a batch")
    batch.looked_at = 0.0
    into = door.book.results_file(batch.nonce)
    await persistently(
        lambda: batch.server.fetch(state, into, model), door.limits, "fetching results"
    )
    read = [batch.server.read(line) for line, _ in zip(lines_of(into), range(_READ), strict=False)]
    keys = {line.key for line in read if line is not None}
    return bool(keys) and keys <= batch.reservations.keys()
