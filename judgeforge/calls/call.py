"""A paid call as a value (the canonical request and its key), and the door as others see it.

Sampling and judging know of the whole room only ``Asks`` and the ``Answer`` that comes back.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

from judgeforge.calls.providers.answers import clean
from judgeforge.calls.providers.base import Body, ModelReply, ModelRequest, SharedPrefix
from judgeforge.calls.providers.pictures import without_pictures
from judgeforge.text.wording import byte_count, shortened

T = TypeVar("T")

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


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
    content = {
        "provider": provider,
        "base_url": base_url,
        "endpoint": endpoint,
        "body": without_pictures(body) if pictures else body,
        "sample": sample,
    }
    request = _ENCODER.encode(content)
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
        said = " ".join(clean(self.reply.model or "").split())
        if _PATH.match(said):
            said = said.replace("\\", "/").rstrip("/").rpartition("/")[2]
        return shortened(said, _LONGEST_MODEL) or None

    def input_tokens_read(self, request: ModelRequest) -> int | None:
        """How many tokens of ``request`` the server counted, where so few cannot be all of it: it
        may have cut the prompt without a word. None where the count can be, or is not given.
        """
        counted = self.reply.usage.input_tokens if self.reply.usage else 0
        if counted <= 0 or _bytes(request, str) <= counted * _MOST_BYTES:
            return None
        return None if _bytes(request, _without_runs) <= counted * _MOST_BYTES else counted


def is_a_context(tokens: int) -> bool:
    """Whether so few ``Answer.input_tokens_read`` can be a context that the input was cut to. Fewer
    are none: such a server counts only what its own cache did not have, or makes its counts up, and
    has read the rest all the same."""
    return tokens >= _LEAST_CONTEXT


_LONGEST_MODEL = 200
_PATH = re.compile(r"[/~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]")
_MOST_BYTES = 12
"""Bytes of a token, on average over a text: English has 4, no known tokenizer and language 9."""
_LEAST_CONTEXT = 256
"""Tokens: llama.cpp keeps half of its context when it is full, which was 512 by default for long;
Ollama's shortest is 2,048."""
_RUN = re.compile(r"(\s)\s+|(\S{1,3}?)\2{3,}")


def _bytes(request: ModelRequest, seen: Callable[[str], str]) -> int:
    texts = (seen(message.text) for message in request.messages)
    return sum(map(byte_count, texts))


def _without_runs(text: str) -> str:
    """Rulers, indents and other repetitions, of which one token has many characters, once."""
    return _RUN.sub(r"\1\2", text)


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


async def gather_or_cancel(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results in order. The first error is raised as it is, and the others are cancelled.

    A prompt that cannot be finished must not go on spending money on its other calls.
    """
    coroutines = list(work)
    if len(coroutines) == 1:  # a task of its own would only cost time
        return [await coroutines[0]]
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
