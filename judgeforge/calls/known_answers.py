"""A request that a model has answered, asked once more before a run stops because nothing comes.

One prompt may be more than a server takes: it never ends the answer, or breaks down over it. Once
nothing else is left to ask, that looks like a server that is out of order, and each start would
stop there anew. What the model does with a request that it has answered tells the two apart: the
circuit closes with its reply, and the calls that fail use up their own attempts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from judgeforge.calls.attempt import CallProgress, Sender
from judgeforge.calls.call import Call, key_of
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.flight import Flight
from judgeforge.calls.stores import KeepsMoney
from judgeforge.errors import BudgetExhaustedError, CallError, StoreError
from judgeforge.store.log import RunLog

MOST_IN_A_ROW = 10
"""With nothing else answered in between. Each gives calls that fail an attempt at least, which is
enough for as many as are usual; and no run may go on for ever."""


class KnownAnswers:
    def __init__(self, sender: Sender, budget: KeepsMoney, log: RunLog) -> None:
        self._sender, self._budget, self._log = sender, budget, log
        self._calls: dict[str, Call] = {}
        """Of each model the smallest that was answered, in this start or before."""
        self._in_a_row = 0

    def note(self, endpoint: Endpoint, call: Call) -> None:
        self._in_a_row = 0
        known = self._calls.get(endpoint.name)
        if known is None or call.request_bytes < known.request_bytes:
            self._calls[endpoint.name] = call

    async def are_given(self, flights: Iterable[Flight]) -> bool:
        """Whether a model of which calls fail answers what it has answered before, asked past
        whatever waits for it. False also where nothing was answered yet, or neither the budget nor
        the limits have room for it just now."""
        failing = {one.endpoint.name: one.endpoint for one in flights if one.is_failing}
        self._in_a_row += 1
        if self._in_a_row > MOST_IN_A_ROW:
            return False
        for endpoint in failing.values():
            if await self._is_given(endpoint):
                return True
        return False

    async def _is_given(self, endpoint: Endpoint) -> bool:
        call = self._calls.get(endpoint.name)
        if call is None or not self._budget.has_room(endpoint.most_pico(call) or 0, 1):
            return False
        call = _apart(call)
        passage = await endpoint.gate.try_enter_alone(endpoint.size(call))
        if passage is None:
            return False
        self._log.event("asked_again", model=endpoint.name, key=call.key)
        try:
            await self._sender.send(endpoint, call, passage, CallProgress())
        except (CallError, BudgetExhaustedError, StoreError):  # which other calls meet as well
            return False
        return True


def _apart(call: Call) -> Call:
    """The same request as a call of its own: the reply that was used stays the one that is kept."""
    request = f'{call.request[:-1]},"asked":"again"}}'
    return replace(call, request=request, key=key_of(request))
