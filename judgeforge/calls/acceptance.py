"""Whether a refusal is about one request or about the model: what other requests met decides.

A 403 may be one prompt that a filter stopped, or a key without rights; a 400 one prompt too long,
or a setting that the server does not take. Once a model has answered, a refusal is an outcome of
its own call. Before that, refusals are held until something answers, until enough of them have come
(then the run stops), or until nothing else is left that could tell.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from judgeforge.calls.call import Call
from judgeforge.calls.limits.gate import Passage
from judgeforge.config.model import ModelConfig
from judgeforge.errors import PAGE_STATUS, FlaggedInputError, OverlongRequestError, StatusError

FIRST_REFUSALS = 8
"""This many of a model that has not answered, with no answer on its way, are about the model."""
LATER_REFUSALS = 32
"""This many 403, 404 or redirects in a row of a model that did answer: key or model were taken
away. Of those that seem to be about the account ``FIRST_REFUSALS`` are enough."""
QUIET_S = 0.5
"""Without a request under way for this long, nothing more can be learnt from others."""
PATIENCE_S = 15.0
"""The same where requests to other models only are under way: they may hang."""
_LOOKS = 10
"""In this many parts such a time is waited for: a process that stood still in one of them finds in
the next what has come meanwhile."""
_MOVED = frozenset({PAGE_STATUS, 301, 302, 303, 307, 308})
"""The address is another one: redirects are not followed, and a page is no API."""
_OF_ACCESS = frozenset({403, 404}) | _MOVED
_NOT_OF_SETTINGS = frozenset({401, 402, 403, 404, 408, 409, 413, 425, 429})
"""About key, account, name, size, and what comes too soon; every other 4xx, and a repeated 500,
may be about what a request contains."""
FORM_FAILURES = 3
"""A 500 that came twice for each of this many requests in a form of reply, when none in that form
was answered, is about the form: waiting for more would open the circuit breaker first."""
_FORMS = frozenset({"response_format", "tools", "output_config"})
_SETTINGS: Mapping[str, str] = {
    "response_format": "`structured` (tool or instruction)",
    "output_config": "`structured` (tool or instruction)",
    "tool_choice": "`structured` (json_schema or instruction)",
    "tools": "tool calling, switched on in the server",
    "temperature": "`send_temperature: false`",
    "max_tokens": "`max_tokens_field: max_completion_tokens`",
    "max_completion_tokens": "`max_tokens_field: max_tokens`",
    "seed": "`sampling.seed` (leave it out)",
    "logprobs": "`logprobs` of the judge (leave it out)",
}
"""By field of the request, what sets or removes it."""

_ALL_FORMS = "`structured` (each of its forms is tried)"


@dataclass(slots=True)
class _Requests:
    """Those to one model with the same fields, and with pictures or without: a judge's have others
    than a writer's."""

    has_answered: bool = False
    sending: int = 0
    refused: Counter[bool] = field(default_factory=Counter)
    """In a row, by whether it is access that is refused."""
    quiet_at: dict[bool, int] = field(default_factory=dict)
    """How many they were when it was quiet: those that wait with them need no quiet of their own,
    which the end of each would break."""


Kind = tuple[str, frozenset[str], bool]
"""Model, fields, and whether with pictures."""


class Prompts:
    """What requests are made for, as far as it tells what refusals are about: here nothing."""

    @property
    def are_few(self) -> bool:
        """Whether all refusals may be about the few prompts under way, and others may follow."""
        return False

    def have_doubts_of(self, model: str) -> bool:
        """Whether no reply of a judge that asks this model could be read so far."""
        del model
        return False

    def begin_another(self) -> bool:
        """Whether one more begins now, so that more can be learnt."""
        return False


class Acceptance:
    """Of all models of a run. Every request to one of them is told."""

    def __init__(self) -> None:
        self.prompts = Prompts()
        self._requests: defaultdict[Kind, _Requests] = defaultdict(_Requests)
        self._answered: dict[str, int] = defaultdict(int)
        """Model -> its replies of this start."""
        self._under_way: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        """Of the calls under way to each model, those that wait for what others meet."""
        self._news = asyncio.Event()

    def known(self) -> list[Kind]:
        """Kinds of requests that were answered, for another process of the run."""
        return [kind for kind, requests in self._requests.items() if requests.has_answered]

    def learn(self, answered: Iterable[Kind]) -> None:
        """What ``known`` told there."""
        for kind in answered:
            self._requests[kind].has_answered = True
            self._answered[kind[0]] += 1

    @contextmanager
    def under_way(self, call: Call) -> Iterator[None]:
        """With all its attempts."""
        with self._among(self._under_way, call):
            yield

    async def may_send(self, call: Call, passage: Passage) -> bool:
        """Whether it may be sent now. False once it has waited, without its place, while the model
        was in doubt and requests that might settle it were still on their way."""
        if not self._is_in_doubt(call):
            return True
        passage.gate.used(passage, 0)
        passage.gate.leave(passage, abandoned=True)
        with self._among(self._held, call):
            while self._is_in_doubt(call):
                await self._news.wait()
        return False

    def _is_in_doubt(self, call: Call) -> bool:
        requests = self._requests[kind_of(call)]
        return not self.prompts.are_few and any(
            requests.refused[of_access] >= FIRST_REFUSALS
            and not self._has_answered(call, requests, of_access=of_access)
            for of_access in (True, False)
        )

    @contextmanager
    def sending(self, call: Call) -> Iterator[None]:
        requests = self._requests[kind_of(call)]
        requests.sending += 1
        try:
            yield
        finally:
            requests.sending -= 1
            self._tell()

    def answered(self, call: Call) -> None:
        requests = self._requests[kind_of(call)]
        requests.has_answered = True
        requests.refused.clear()
        requests.quiet_at.clear()
        self._answered[call.model_name] += 1
        self._tell()

    def answers(self, call: Call) -> int:
        """How often its model has answered in this start; 0 where nothing in the form of reply that
        is asked for was answered: what it says to other requests tells nothing of that form."""
        if _asks_for_form(call) and not self._requests[kind_of(call)].has_answered:
            return 0
        return self._answered[call.model_name]

    async def others_tell(self, call: Call, is_known: Callable[[], bool]) -> None:
        """Of a refusal that seems to be about key or account: wait for what others meet, until it
        ``is_known`` or nothing more can be learnt."""
        requests = self._requests[kind_of(call)]
        with self._among(self._held, call):
            while not is_known():
                are_all = not self.prompts.are_few and self._held.total() >= FIRST_REFUSALS
                if are_all and not requests.sending:
                    return
                if await self._is_quiet(of=call.model_name):
                    return

    async def weigh(self, call: Call, error: StatusError, model: ModelConfig) -> bool:
        """Set ``error.stops_run`` by what the refusal is about, once that is known. Whether it
        counts among those that hold back others."""
        if isinstance(error, FlaggedInputError):
            self._answered[call.model_name] += 1  # key and model are right
            self._tell()
            return False
        of_access = error.status in _OF_ACCESS
        if not of_access and (error.stops_run or not is_of_settings(error)):
            return False
        if error.of_account and error.stops_run:
            return False
        requests = self._requests[kind_of(call)]
        requests.refused[of_access] += 1
        is_quiet, before = False, self._answered[call.model_name]
        with self._among(self._held, call):
            try:
                while (stops := self._verdict(call, error, before, is_quiet=is_quiet)) is None:
                    is_quiet = await self._is_quiet()
            except asyncio.CancelledError:
                self.withdraw(call, error)  # nothing follows from it, so nothing waits for it
                raise
        if not stops and of_access:
            error.is_of_one_request()
        error.stops_run = stops
        if stops and not of_access:
            said = str(error).rstrip(".")
            error.args = (f"{said}{_advice(call, requests.refused[False], model)}",)
        return True

    def withdraw(self, call: Call, error: StatusError) -> None:
        """Of a refusal that counts: its call is asked once more, or given up."""
        refused, of_access = self._requests[kind_of(call)].refused, error.status in _OF_ACCESS
        if refused[of_access]:
            refused[of_access] -= 1
        self._tell()

    def _verdict(
        self, call: Call, error: StatusError, before: int, *, is_quiet: bool
    ) -> bool | None:
        """Whether the refusal is about the model; None while that is not known. ``before``: how
        often the model had answered when it came."""
        status = error.status
        requests, of_access = self._requests[kind_of(call)], status in _OF_ACCESS
        refused = requests.refused[of_access]
        if self._has_answered(call, requests, of_access=of_access):
            if not error.of_account:
                return of_access and refused >= LATER_REFUSALS
            if refused >= FIRST_REFUSALS:
                return True
            return False if is_quiet or self._answered[call.model_name] > before else None
        if is_quiet:
            requests.quiet_at[of_access] = refused
        is_quiet = requests.quiet_at.get(of_access) == refused
        least = 1 if status == 404 else FIRST_REFUSALS  # a wrong name, or a filter that hides
        if tells_soon := status in _MOVED:
            least = 1
        elif tells_soon := status == 500 and _asks_for_form(call):
            least = FORM_FAILURES
        is_told = is_quiet or tells_soon or not self.prompts.are_few
        if refused >= least and not requests.sending and is_told:
            return True
        return of_access if is_quiet else None

    def _has_answered(self, call: Call, requests: _Requests, *, of_access: bool) -> bool:
        """Access is that to the model; what a request may contain is tried by its own kind."""
        return self._answered[call.model_name] > 0 if of_access else requests.has_answered

    async def _is_quiet(self, *, of: str | None = None) -> bool:
        """Wait for news; True where none comes, since all that is under way waits for some, and no
        other prompt can begin. ``of``: a model by whose calls alone it can be told."""
        news, waited_for = self._news, self._under_way - self._held
        if waited_for[of] if of is not None else waited_for:
            await news.wait()
            return False
        look_s = (PATIENCE_S if waited_for else QUIET_S) / _LOOKS
        for _ in range(_LOOKS):
            with suppress(TimeoutError):
                async with asyncio.timeout(look_s):
                    await news.wait()
            if news.is_set():
                return False
        if self.prompts.begin_another():
            self._tell()  # what that one meets is waited for from now on
            return False
        return True

    @contextmanager
    def _among(self, calls: Counter[str], call: Call) -> Iterator[None]:
        calls[call.model_name] += 1
        self._tell()
        try:
            yield
        finally:
            calls[call.model_name] -= 1
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def is_of_settings(error: StatusError) -> bool:
    """Whether it may be about how a request asks: by its status, whatever it says."""
    if isinstance(error, FlaggedInputError | OverlongRequestError):
        return False
    refuses = 400 <= error.status < 500 and error.status not in _NOT_OF_SETTINGS
    return refuses or error.status in {500, 501}


def _asks_for_form(call: Call) -> bool:
    return not _FORMS.isdisjoint(call.body)


def kind_of(call: Call) -> Kind:
    """A model that reads words may see no pictures."""
    return call.model_name, frozenset(call.body), call.pictures > 0


def _advice(call: Call, refused: int, model: ModelConfig) -> str:
    settings = ["`vision: false`, if it does not see pictures"] if call.pictures else []
    settings += [setting for name, setting in _SETTINGS.items() if name in call.body]
    if len(model.reply_forms) > 1:
        settings = [_ALL_FORMS if "`structured`" in each else each for each in settings]
    if "system" in call.body or any(m.get("role") == "system" for m in call.body["messages"]):
        settings.append("`system_role: user`")
    settings += [f"`params.{name}`" for name in model.passed_on if name in call.body]
    return (
        f". Model `{call.model_name}` refused its first {refused} requests of this kind and "
        f"answered none. Settings that could be meant: {', '.join(dict.fromkeys(settings))}, or "
        "`model` itself. Change one, then start the same command again."
    )
