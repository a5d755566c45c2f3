"""The batches of one model: gathers its requests, sends them, looks at what is under way."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from judgeforge.calls.batch.collecting import collect
from judgeforge.calls.batch.finding import find_again
from judgeforge.calls.batch.gathering import BatchLimits, Gathered, Gathering
from judgeforge.calls.batch.open_batch import OpenBatch, reopened
from judgeforge.calls.batch.sending import UndecidedError, abandon, create, keep_created, plan
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.providers.batches import BatchServer, BatchState
from judgeforge.calls.retry import persistently
from judgeforge.config.batch import BatchConfig
from judgeforge.errors import CallError, InterruptedRunError, StatusError
from judgeforge.store.batches import BatchEntry

if TYPE_CHECKING:
    from judgeforge.calls.batch.desk import Door

_YOUNG = 20
"""A batch is looked at about this often in each doubling of its age."""
_SOONEST_S = 1.0
_RECHECK_S = 0.25
_TOO_LARGE = 413
_NOT_OFFERED = frozenset({400, 403, 404, 405, 501})
"""Also what an account or a model may not have, though it is answered directly."""
_LESS = 2
"""How many times less is sent when a provider takes no more of a model."""


class ModelDesk:
    """``more_may_come``: whether requests are under way whose replies may lead to others here."""

    def __init__(
        self, door: Door, endpoint: Endpoint, server: BatchServer, more_may_come: Callable[[], bool]
    ) -> None:
        self._config = endpoint.model.batch or BatchConfig()
        self._door, self._endpoint, self._server = door, endpoint, server
        limits = BatchLimits.of(self._config, endpoint.model.facts.batches)
        self._gathering = Gathering(limits, self._config.quiet_s)
        self._more_may_come = more_may_come
        self._open: dict[str, OpenBatch] = {}
        self._news, self._less_under_way = asyncio.Event(), asyncio.Event()
        self._sent = asyncio.Event()
        self._most_tokens = self._config.enqueued_tokens
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self.waiting = 0
        """Requests that are waited for here."""
        self.is_sending = self._is_held_back = False
        self.heard_at = self._asked_at = time.monotonic()
        """When the provider last told how a batch is."""

    async def ask(self, call: Call) -> Answer | None:
        """None: it is to be sent directly. Raises CallError, BudgetExhaustedError, StoreError."""
        if self._failure is not None:
            raise self._failure
        batch = self._batch_with(call.key)
        if batch is not None:
            outcome = batch.outcome_of(call)
        elif (one := self._gathering.get(call.key)) is not None and not one.outcome.done():
            outcome = one.outcome
        else:
            outcome = asyncio.get_running_loop().create_future()
            self._gather(Gathered(call, outcome))
        self.waiting += 1
        self._asked_at = time.monotonic()
        try:
            return await outcome
        except asyncio.CancelledError:
            self._gathering.drop(call.key)
            raise
        finally:
            self.waiting -= 1

    def has(self, key: str) -> bool:
        """Whether a batch that is under way has the request."""
        return self._batch_with(key) is not None

    @property
    def only_waits(self) -> bool:
        """For batches that are under way, and for nothing else."""
        is_gathering = len(self._gathering) > 0 and not self._is_held_back
        looked = all(batch.looked_at for batch in self._open.values())
        quiet = time.monotonic() >= self._asked_at + self._config.quiet_s
        return not (is_gathering or self.is_sending) and looked and quiet

    @property
    def has_open(self) -> bool:
        return bool(self._open)

    def go_on_with(self, entry: BatchEntry) -> None:
        """A batch of an earlier start. What was not sent is given back; what may have been, is
        looked for."""
        batch = reopened(self._door, entry, self._endpoint, self._server)
        if not entry.creating:
            abandon(self._door, batch)
            return
        self._open[entry.nonce] = batch
        if entry.id is None:
            self._begin(self._seek(batch))
        else:
            self._begin(self._watch(batch, entry.id))

    def begin(self) -> None:
        self._begin(self._send_all())

    async def close(self, grace_s: float) -> None:
        """Let a batch that is being created be created; everything else is found again."""
        self._failure = InterruptedRunError("the run is stopping")
        until = time.monotonic() + grace_s
        while self.is_sending and (left_s := until - time.monotonic()) > 0:
            await _happens(self._sent, left_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # A context of its own: what it settles is not the claim of the prompt that asked first.
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """All that wait here, and that will, are told; they end the run."""
        if isinstance(error, StatusError):
            error = self._of_all(error)
        self._failure = error
        self._door.log.event("batches_failed", model=self._endpoint.name, error=str(error))
        for one in list(self._gathering):
            self._gathering.drop(one.call.key)
            if not one.outcome.done():
                one.outcome.set_exception(error)
        for batch in self._open.values():
            batch.fail_all(error)

    def _of_all(self, error: CallError) -> CallError:
        """About no request of its own, so it ends the run."""
        advice = ""
        if isinstance(error, StatusError) and error.status in _NOT_OFFERED:
            advice = (
                f" Where {self._server.where} has no batches for this account or model, take "
                f"`batch` out of model `{self._endpoint.name}`."
            )
        return CallError(f"{error}{advice}", model=self._endpoint.name, stops_run=True)

    def _batch_with(self, key: str) -> OpenBatch | None:
        """A request whose result is in is no longer in its batch: it is asked again."""
        return next((one for one in self._open.values() if one.reservations.get(key)), None)

    def _gather(self, one: Gathered) -> None:
        self._gathering.add(one, time.monotonic())
        self._news.set()

    def _gather_again(self, batch: OpenBatch, keys: Iterable[str]) -> None:
        """Those that somebody waits for."""
        for key in keys:
            one = batch.waited_for.pop(key, None)
            if one is not None and not one.outcome.done():
                self._gather(one)

    async def _send_all(self) -> None:
        while True:
            await self._gathered()
            tokens = await self._room_for_tokens()
            chosen = self._gathering.first(tokens)
            if len(self._gathering) < self._config.direct_below:
                for one in chosen:
                    self._gathering.drop(one.call.key)
                    if not one.outcome.done():
                        one.outcome.set_result(None)
                continue
            if chosen:
                await self._send(chosen)

    async def _gathered(self) -> None:
        """Until something waits, and nothing more comes or no more fits into a batch."""
        while True:
            self._news.clear()
            if not len(self._gathering):
                await self._news.wait()
            elif self._gathering.is_full:
                return
            elif wait_s := self._gathering.quiet_in_s(time.monotonic()):
                await _happens(self._news, wait_s)
            elif self._more_may_come():
                await _happens(self._news, min(_RECHECK_S, self._config.quiet_s))
            else:
                return

    async def _room_for_tokens(self) -> int | None:
        """How many the provider still takes; waits while it takes none. None: no limit is known."""
        while self._most_tokens is not None:
            left = self._most_tokens - sum(batch.tokens for batch in self._open.values())
            first = next(iter(self._gathering), None)
            if not self._open or first is None or first.tokens <= left:
                return max(left, 0)
            await self._held_back(self._less_under_way)
        return None

    async def _held_back(self, until: asyncio.Event) -> None:
        until.clear()
        self._is_held_back = True
        try:
            await until.wait()
        finally:
            self._is_held_back = False

    async def _send(self, chosen: list[Gathered]) -> None:
        budget = self._door.budget
        picos = [self._endpoint.most_pico(one.call, in_batch=True) for one in chosen]
        fitting = budget.how_many_fit(picos)
        if not fitting:
            self._is_held_back = True
            try:
                await budget.wait_for_room(picos[0])
            finally:
                self._is_held_back = False
            return  # what waits may have changed meanwhile
        chosen = [one for one in chosen[:fitting] if not one.outcome.done()]
        if not chosen:
            return
        self.is_sending = True
        self._sent.clear()
        try:
            batch = plan(self._door, self._endpoint, self._server, chosen)
            if batch is None:  # another run has taken the day's money meanwhile
                await asyncio.sleep(_RECHECK_S)
                return
            for one in chosen:
                self._gathering.drop(one.call.key)
            self._open[batch.nonce] = batch
            await self._create(batch)
        finally:
            self.is_sending = False
            self._sent.set()

    async def _create(self, batch: OpenBatch) -> None:
        try:
            await create(self._door, batch)
        except CallError as error:
            too_large = isinstance(error, StatusError) and error.status == _TOO_LARGE
            if too_large and len(batch.reservations) > 1:
                self._gathering.take_at_most(len(batch.reservations) // _LESS)
                self._close_batch(batch, list(batch.reservations))
                return
            if not isinstance(error, UndecidedError):
                del self._open[batch.nonce]
            error = error if isinstance(error, UndecidedError) else self._of_all(error)
            batch.fail_all(error)
            self._fail(error)
            return
        self.heard_at = time.monotonic()
        if batch.state is not None:
            self._begin(self._watch(batch, batch.state.id))

    async def _seek(self, batch: OpenBatch) -> None:
        state = await find_again(self._door, batch)
        if state is not None:
            keep_created(self._door, batch, state)
            await self._watch(batch, state.id)
            return
        abandon(self._door, batch)
        self._close_batch(batch, list(batch.reservations))

    async def _watch(self, batch: OpenBatch, batch_id: str) -> None:
        """Look at it until it has ended, then collect it."""
        book = self._door.book
        while True:
            state = await self._look(batch_id)
            batch.state = state
            self.heard_at = batch.looked_at = time.monotonic()
            book.seen(batch.nonce, state.answered)
            if state.ended:
                break
            age_s = max(0.0, time.time() - batch.entry(book).since)
            await asyncio.sleep(min(self._config.poll_s, max(_SOONEST_S, age_s / _YOUNG)))
        batch.looked_at = 0.0
        again = await collect(self._door, batch, state)
        if again and len(self._open) == 1:
            self._most_tokens = max(1, batch.tokens // _LESS)
        self._close_batch(batch, again)

    async def _look(self, batch_id: str) -> BatchState:
        try:
            return await persistently(
                lambda: self._server.look(batch_id, self._endpoint.model),
                self._door.limits,
                f"looking at batch {batch_id} of model `{self._endpoint.name}`",
            )
        except StatusError as error:
            # To ask it all again would buy it twice, if the key is the wrong one.
            error.args = (
                f"{error} Batch {batch_id} was bought, and is asked for in vain. Where it is lost "
                f"for good, remove {self._door.book.path}: then it counts as paid, and its "
                "requests are sent anew.",
            )
            raise

    def _close_batch(self, batch: OpenBatch, again: Iterable[str]) -> None:
        del self._open[batch.nonce]
        self._gather_again(batch, again)
        self._less_under_way.set()


async def _happens(event: asyncio.Event, within_s: float) -> None:
    """Until it does, at most this long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
