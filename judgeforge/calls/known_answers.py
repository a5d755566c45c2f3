"""A request that a model has answered, asked once more before a run stops for calls that fail.

One prompt may be more than a server takes: it never ends the answer, breaks down over it, or a
filter refuses it with words of the key, of credit, or of too many requests. That looks like a
server that is out of order, or an account that is, and each start would stop there anew. What the
model does with a request that it has answered tells the two apart.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from judgeforge.calls.acceptance import Acceptance, Kind, is_of_settings, kind_of
from judgeforge.calls.attempt import CallProgress, Sender
from judgeforge.calls.call import Call, key_of
from judgeforge.calls.endpoints import Endpoint
from judgeforge.calls.flight import SHORT_PAUSE_S, Flight
from judgeforge.calls.limits.gate import ModelGate
from judgeforge.calls.providers.base import Body
from judgeforge.calls.stores import KeepsMoney
from judgeforge.errors import BudgetExhaustedError, CallError, StatusError, StoreError
from judgeforge.store.log import RunLog

MOST_IN_A_ROW = 10
"""With nothing else answered in between. Each gives calls that fail an attempt at least, which is
enough for as many as are usual; and no run may go on for ever."""
REFUSED_BESIDE = 3
"""A call that is refused this often, each time beside one that is answered, is refused for itself:
a key that comes and goes, or a limit that was reached just then, hardly does that."""
TOGETHER_S = SHORT_PAUSE_S / 2
"""Calls that fail until this long after a request was asked again rest on the same answer."""
UNTOLD_PAUSE_S = 1.0
"""Before a refused call is asked again where the other request failed for what may pass."""
_SAID = frozenset({"messages", "system", "input", "seed"})
_ANSWERED_MEANWHILE = " (refused each time, while another request was answered)"


class KnownAnswers:
    def __init__(
        self, sender: Sender, budget: KeepsMoney, log: RunLog, acceptance: Acceptance
    ) -> None:
        self._sender, self._budget, self._log = sender, budget, log
        self._acceptance = acceptance
        self._calls: dict[tuple[Kind, int], Call] = {}
        """Of each kind and order of size the smallest that was answered, in this start or before.
        """
        self.earlier: Callable[[], Iterable[Call]] = tuple
        """What earlier starts know; looked up once, where this one knows nothing."""
        self._in_a_row = 0
        self._asking = asyncio.Lock()
        self._asked: dict[str, tuple[float, bool | None]] = {}
        """When it was last known of each whether it is answered, and whether it was."""

    def note(self, call: Call) -> None:
        self._in_a_row = 0
        self._note(call)

    def _note(self, call: Call) -> None:
        place = kind_of(call), call.request_bytes.bit_length()
        known = self._calls.get(place)
        if known is None or call.request_bytes < known.request_bytes:
            self._calls[place] = call

    def known(self) -> Sequence[Call]:
        """For another process of the run."""
        return list(self._calls.values())

    def learn(self, kinds: Iterable[Kind], known: Iterable[Call]) -> None:
        """What another process knows, and kinds that were answered in this start."""
        self._acceptance.learn(kinds)
        for call in known:
            self.note(call)

    async def are_given(self, flights: Iterable[Flight]) -> bool:
        """Whether a model of which calls fail answers what it has answered before, asked past
        whatever waits for it. False also where nothing was answered yet, or neither the budget nor
        the limits have room for it just now."""
        under_way = [one for one in flights if one.stand_in is None]
        failing = [one for one in under_way if one.last_error is not None]
        by_model = {one.endpoint.name: one for one in failing if not one.is_refused}
        by_model |= {one.endpoint.name: one for one in failing if one.is_refused}
        found = False
        for one in by_model.values():
            since = time.monotonic()
            if known := self._known_like(one.endpoint, one.call, one.last_error):
                found = True
                if await self._is_given(one.endpoint, known, since):
                    for other in failing:
                        if other.endpoint is one.endpoint:
                            other.try_now()
                    return True
        return not found and self._lets_others_tell(by_model.values(), under_way)

    def _lets_others_tell(self, failing: Iterable[Flight], under_way: Iterable[Flight]) -> bool:
        """Where nothing was answered so far, another prompt begins, and what waits behind refusals
        is sent. Whether one has begun."""
        for one in failing:
            if any(o.endpoint is one.endpoint and o.last_error is None for o in under_way):
                for gate in one.endpoint.gate.gates:
                    gate.forget_refusals()
        return any(failing) and self._acceptance.prompts.begin_another()

    async def is_beside(
        self, flight: Flight, endpoint: Endpoint, call: Call, error: StatusError
    ) -> bool:
        """Weigh a refusal: whether it would stop the run and comes beside an answer. Then the call
        is to be asked again, until it is said to be refused for itself."""
        counts = await self._acceptance.weigh(call, error, endpoint.model)
        if not error.stops_run:
            return False
        since = time.monotonic()

        def is_known() -> bool:
            return self._known_like(endpoint, call, error) is not None

        if (error.of_account or error.status == 401) and not endpoint.gate.are_several:
            await self._acceptance.others_tell(call, is_known)
        known = self._known_like(endpoint, call, error)
        is_given = False if known is None else await self._is_given(endpoint, known, since)
        if is_given is None:
            try:
                await flight.pause(UNTOLD_PAUSE_S)
            finally:
                if counts:
                    self._acceptance.withdraw(call, error)  # else it would wait for itself
            return True
        if not is_given:
            flight.answered_beside = 0
            return False
        flight.answered_beside, self._in_a_row = flight.answered_beside + 1, 0
        if flight.answered_beside < REFUSED_BESIDE:
            await flight.pause(math.inf)
            return True
        error.is_of_one_request(_ANSWERED_MEANWHILE)
        return False

    async def look_at(
        self, flight: Flight, endpoint: Endpoint, call: Call, error: CallError
    ) -> None:
        """The same of what came too soon (429), once it has for too long."""
        if not (flight.is_doubted and isinstance(error, StatusError) and flight.is_refused):
            return
        known, since = self._known_like(endpoint, call, error), time.monotonic()
        if known is None or not await self._is_given(endpoint, known, since):
            flight.is_doubted, flight.answered_beside = False, 0
            return
        flight.answered_beside, self._in_a_row = flight.answered_beside + 1, 0
        if flight.answered_beside >= REFUSED_BESIDE:
            error.is_of_one_request(_ANSWERED_MEANWHILE)

    def _known_like(self, endpoint: Endpoint, call: Call, error: CallError | None) -> Call | None:
        """The smallest that may tell. What is left of an account or a limit may be enough for a
        small request and not for a large one; and a refusal of all that a judge asks is told from
        that of one question by an answer to a judge, not to a writer."""
        known = self._of_model(endpoint.name)
        if not known:
            earlier, self.earlier = self.earlier, tuple
            for one in earlier():
                self._note(one)
            known = self._of_model(endpoint.name)
        if isinstance(error, StatusError):
            if error.status < 500 or is_of_settings(error):
                known = [one for one in known if kind_of(one) == kind_of(call)]
            if error.status < 500:
                known = [one for one in known if _settings(one) == _settings(call)]
            if error.of_account or error.status == 429:
                least = _tokens(endpoint, call) / 2
                known = [one for one in known if _tokens(endpoint, one) >= least]
        return min(known, key=lambda one: one.request_bytes, default=None)

    def _of_model(self, name: str) -> list[Call]:
        return [one for one in self._calls.values() if one.model_name == name]

    async def _is_given(self, endpoint: Endpoint, call: Call, since: float) -> bool | None:
        """Asked once for all calls that failed together; ``since``: when this one did. None where
        that failed for a reason that may pass: it came too soon, or its connection broke."""
        async with self._asking:
            known_at, was_given = self._asked.get(call.key, (0.0, False))
            if known_at >= since - TOGETHER_S:
                return was_given
            self._in_a_row += 1
            if self._in_a_row > MOST_IN_A_ROW:
                return False
            again = _apart(call)
            sent = [self._is_given_by(gate, endpoint, again) for gate in endpoint.gate.gates]
            told = await asyncio.gather(*sent)
            is_given = any(told) or (None if None in told else False)
            self._asked[call.key] = time.monotonic(), is_given
            return is_given

    async def _is_given_by(self, gate: ModelGate, endpoint: Endpoint, call: Call) -> bool | None:
        if not self._budget.has_room(endpoint.most_pico(call) or 0, 1):
            return False
        passage = await gate.enter_first(endpoint.size(call))
        try:
            self._log.event("asked_again", model=endpoint.name, key=call.key)
        except Exception:
            passage.gate.leave(passage, abandoned=True)
            raise
        try:
            await self._sender.send(endpoint, call, passage, CallProgress())
        except (CallError, BudgetExhaustedError, StoreError) as error:  # others meet it as well
            return None if isinstance(error, CallError) and error.retryable else False
        gate.forget_refusals()
        return True


def _settings(call: Call) -> Body:
    """All but what it says: what a judge is asked about another answer has the same."""
    return {name: value for name, value in call.body.items() if name not in _SAID}


def _tokens(endpoint: Endpoint, call: Call) -> int:
    return endpoint.size(call).tokens


def _apart(call: Call) -> Call:
    """The same request as a call of its own: the reply that was used stays the one that is kept."""
    request = f'{call.request[:-1]},"asked":"again"}}'
    return replace(call, request=request, key=key_of(request))
