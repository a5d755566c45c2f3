"""Where the door hands in calls that are to be answered in a batch, one desk a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judgeforge.calls.acceptance import Acceptance
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.call import Answer, Call
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.claims import current_claim
from judgeforge.calls.retry import MOST_BROKEN
from judgeforge.config.run import LimitsConfig
from judgeforge.errors import BrokenReplyError, CallError, StatusError
from judgeforge.store.batches import BatchBook, BatchCount, counted_batches
from judgeforge.store.log import RunLog
from judgeforge.store.spending import to_pico

if TYPE_CHECKING:
    from judgeforge.calls.batch.model_desk import ModelDesk


@dataclass(frozen=True, slots=True)
class Door:
    """What a batch shares with every other call."""

    cache: ReplyCache
    budget: Budget
    log: RunLog
    acceptance: Acceptance
    limits: LimitsConfig
    book: BatchBook
    say: Callable[[str], None]
    """To a person."""


class Batches:
    """Of all models of a run.

    ``others``: how many calls are under way at the door, those that wait here included.
    """

    def __init__(
        self, door: Door, endpoints: Mapping[str, Endpoint], others: Callable[[], int]
    ) -> None:
        self._door, self._endpoints, self._others = door, endpoints, others
        self._desks: dict[str, ModelDesk] = {}
        self.begun = False

    def begin(self) -> None:
        """Go on with the batches of earlier starts, also of models that are now asked directly.
        Raises StoreError."""
        if self.begun:
            return
        self.begun = True
        book = self._door.book
        book.remove_orphans()
        for entry in book.open_entries:
            desk = self._desk(entry.model)
            if desk is None:
                # Its money stays reserved: nobody can tell what became of it.
                self._door.log.event("batch_of_unknown_model", model=entry.model, batch=entry.id)
                continue
            desk.go_on_with(entry)
        for name, endpoint in self._endpoints.items():
            if endpoint.model.batch is not None and (desk := self._desk(name)) is not None:
                desk.begin()

    async def ask(self, endpoint: Endpoint, call: Call) -> Answer | None:
        """None: it is to be sent directly, as are the first calls of a run: they show whether the
        model can be asked so at all, which a batch would show in an hour. Raises CallError,
        BudgetExhaustedError, StoreError."""
        self.begin()
        desk, claim = self._desks.get(endpoint.name), current_claim()
        if desk is None or (self._goes_directly(endpoint, call) and not desk.has(call.key)):
            return None
        if claim is not None and claim.refusal is not None:
            raise claim.refusal
        answer = await self._ask(desk, endpoint, call)
        if answer is not None and claim is not None:
            claim.paid(None if answer.cost_usd is None else to_pico(answer.cost_usd))
        return answer

    def has(self, model: str) -> bool:
        """Whether requests to the model are, or were, in batches."""
        return model in self._desks

    def _goes_directly(self, endpoint: Endpoint, call: Call) -> bool:
        claim = current_claim()
        is_first = claim is not None and claim.goes_first
        is_in_doubt = self._door.acceptance.prompts.have_doubts_of(endpoint.name)
        # Requests with pictures have megabytes each, and thousands of them wait to be gathered.
        return endpoint.model.batch is None or call.pictures > 0 or is_first or is_in_doubt

    async def _ask(self, desk: ModelDesk, endpoint: Endpoint, call: Call) -> Answer | None:
        attempts = 0
        while True:
            try:
                return await desk.ask(call)
            except CallError as error:
                attempts += 1
                most = self._door.limits.max_attempts
                if isinstance(error, BrokenReplyError):
                    most = min(most, MOST_BROKEN)
                if not error.retryable or attempts >= most:
                    if isinstance(error, StatusError):
                        with self._door.acceptance.under_way(call):
                            await self._door.acceptance.weigh(call, error, endpoint.model)
                    raise

    @property
    def waiting(self) -> int:
        """Calls that wait for a batch, or to be gathered into one."""
        return sum(desk.waiting for desk in self._desks.values())

    @property
    def only_wait(self) -> bool:
        """Whether nothing is left to do but to wait for batches that are under way."""
        desks = self._desks.values()
        return any(desk.has_open for desk in desks) and all(desk.only_waits for desk in desks)

    @property
    def heard_at(self) -> float:
        """Monotonic seconds of the last time that a provider told how a batch is; 0: never."""
        return max((desk.heard_at for desk in self._desks.values() if desk.has_open), default=0.0)

    @property
    def count(self) -> BatchCount | None:
        """None where no batch is under way."""
        return counted_batches(self._door.book.entries.values())

    async def close(self, grace_s: float) -> None:
        until = time.monotonic() + grace_s
        for desk in self._desks.values():
            await desk.close(max(0.0, until - time.monotonic()))

    def _desk(self, name: str) -> ModelDesk | None:
        if name in self._desks:
            return self._desks[name]
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return None
        # Loaded only where there are batches.
        from judgeforge.calls.batch.model_desk import ModelDesk
        from judgeforge.calls.providers.batches import open_batch_server

        server = open_batch_server(endpoint.provider, endpoint.model)
        if server is None:
            return None

        def more_may_come() -> bool:
            return self._others() > self.waiting

        desk = self._desks[name] = ModelDesk(self._door, endpoint, server, more_may_come)
        return desk
