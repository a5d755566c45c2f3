"""A paid call as a value (the canonical request and its key), and the door as others see it.

Sampling and judging know of the whole room only ``Asks`` and the ``Answer`` that comes back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Coroutine, Generator, Iterable
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
from types import coroutine
from typing import Any, NoReturn, Protocol, TypeVar

from judgeforge.calls.input_read import is_too_few
from judgeforge.calls.providers.answers import clean
from judgeforge.calls.providers.base import Body, ModelReply, ModelRequest, SharedPrefix
from judgeforge.calls.providers.encoding import BodyEncoder
from judgeforge.calls.providers.pictures import without_pictures
from judgeforge.text.wording import shortened

T = TypeVar("T")

_ENCODER = BodyEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class CallPrefix:
    """What a call begins with that others begin with too."""

    at: SharedPrefix
    rubric: str | None
    """Names the rubric's text and the model; None where it is too short to be kept."""
    row: str | None
    """The same of all that the questions about a row begin with."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. Equal requests with equal ``sample`` are the same call and are bought once."""

    model_name: str
    """The name under ``models:``. It is not part of the key: renaming a model costs nothing."""
    body: Body
    request: str
    """Canonical JSON of everything that decides the reply."""
    request_bytes: int
    key: str
    """SHA-256 (hex) of ``request``."""
    pictures: int = 0
    """Of ``request`` a hash of each, of ``request_bytes`` nothing but that."""
    prefix: CallPrefix | None = None
    sent: Body | None = None
    """``body`` with what decides the way of a request and not its reply, where there is any."""

    @property
    def beginnings(self) -> tuple[str, ...]:
        """Names of what other calls begin with too, the shortest first."""
        if self.prefix is None:
            return ()
        return tuple(name for name in (self.prefix.rubric, self.prefix.row) if name is not None)


def make_call(
    *,
    model_name: str,
    provider: str,
    base_url: str,
    endpoint: str,
    body: Body,
    sample: int,
    pictures: int = 0,
    prefix: CallPrefix | None = None,
) -> Call:
    written = _ENCODER.encode(without_pictures(body) if pictures else body)
    request = (
        f'{{"base_url":{encode_basestring(base_url)},"body":{written},'
        f'"endpoint":{encode_basestring(endpoint)},"provider":{encode_basestring(provider)},'
        f'"sample":{sample}}}'
    )
    raw = request.encode("utf-8", "surrogatepass")
    key = hashlib.sha256(raw).hexdigest()
    return Call(model_name, body, request, len(raw), key, pictures, prefix)


def stored_call(model_name: str, request: str) -> Call:
    """The call that a canonical request was made from. Raises ValueError and KeyError where it is
    not one."""
    raw = request.encode("utf-8", "surrogatepass")
    body: Body = json.loads(request)["body"]
    return Call(model_name, body, request, len(raw), hashlib.sha256(raw).hexdigest())


def key_of(request: str) -> str:
    return hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's reply together with what is needed to explain it later."""

    key: str
    """SHA-256 (hex) of the canonical request; the reply is stored under it."""
    reply: ModelReply
    cost_usd: float | None
    """What the reply cost when it was bought; None where the price is unknown."""
    cached: bool
    answered_by: str | None = None
    """The name of the fallback that answered; None where the model that was asked did."""

    @property
    def answered_model(self) -> str | None:
        """What the server calls the model that answered, of a path the last part: its folders are
        private, and pairs are passed on. None where it does not say."""
        return _shown_model(self.reply.model or "")

    def input_tokens_read(self, request: ModelRequest) -> int | None:
        """How many tokens of ``request`` the server counted, where so few cannot be all of it: it
        may have cut the prompt without a word. None where the count can be, or is not given.
        """
        counted = self.reply.usage.input_tokens if self.reply.usage else 0
        texts = [message.text for message in request.messages]
        return counted if is_too_few(counted, texts) else None


@lru_cache(maxsize=256)
def _shown_model(name: str) -> str | None:
    said = " ".join(clean(name).split())
    if _PATH.match(said):
        said = said.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return shortened(said, _LONGEST_MODEL) or None


_LONGEST_MODEL = 200
_PATH = re.compile(r"[/~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")


class Asks(Protocol):
    """The one way to a model: sampling and judging see nothing else of ``calls``."""

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> Answer:
        """Answer from the cache, or send.

        ``model`` is a name under ``models:``. ``sample`` tells equal requests apart that are meant
        to be drawn anew (completion 0, 1, 2; repeat 0, 1).

        Raises CallError when no reply came, BudgetExhaustedError when the call does not fit.
        """
        ...


class NoCalls:
    """Implements ``Asks`` where nothing may be asked: for what only says which questions it has."""

    async def ask(self, model: str, request: ModelRequest, *, sample: int = 0) -> NoReturn:
        raise AssertionError(f"nothing is asked here: {model}, {request}, {sample}")


@coroutine
def others_as_far() -> Generator[None]:
    """Lets all prompts under way come as far, where one step ends and another begins.

    With stored replies a prompt could go the whole way at once, and each step would find the code
    that it runs gone from the processor's cache: that takes half as long again in all.
    """
    yield  # as ``asyncio.sleep(0)`` does beneath two calls of its own


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order. The first error is raised as it is, and the others are cancelled.

    A prompt that cannot be finished must not go on spending money on its other calls.
    """
    coroutines = list(work)
    if len(coroutines) == 1:
        return [await coroutines[0]]
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
