"""What a provider is: it builds a body, names the path, sends it and reads the reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from judgeforge.config import ModelConfig
from judgeforge.records import Finish, Message

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReplySchema:
    """The JSON Schema that a structured reply must follow."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model, before it takes the form of a provider's API."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    seed: int | None = None
    reply_schema: ReplySchema | None = None
    top_logprobs: int | None = None
    """How many alternatives of each token are asked for; providers without them ignore it."""


@dataclass(frozen=True, slots=True)
class TokenProbability:
    """A token of the reply and what might have stood in its place."""

    text: str
    alternatives: tuple[tuple[str, float], ...]
    """Texts and natural logarithms of their probabilities; the token itself is one of them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counts them.

    ``input_tokens`` is the whole input; ``cached_input_tokens`` and ``cache_write_tokens`` are
    parts of it. ``output_tokens`` is the whole output; ``reasoning_tokens`` is a part of it.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class ModelReply:
    text: str
    finish: Finish
    usage: Usage | None
    """None where the provider did not say."""
    reasoning: str | None = None
    model: str | None = None
    """The model that answered, in the provider's words."""
    tokens: tuple[TokenProbability, ...] = ()
    """All tokens of ``text`` (there may be others around it) where probabilities were asked for
    and given."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply of status 200 as it came."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that speak of rate limits, with names in lower case."""


class Provider(Protocol):
    """One API of one server. Bodies are plain JSON values; a reply is the provider's own bytes."""

    endpoint: str
    """Path below the base URL, such as ``/chat/completions``."""
    base_url: str

    def body(self, model: ModelConfig, request: ChatRequest) -> Body:
        """The request as this API wants it; the same request always gives an equal body."""
        ...

    def read(self, raw: bytes) -> ModelReply:
        """Read a reply. Raises MalformedReplyError where it is none of this API."""
        ...

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """Send once, without any retry.

        Raises NotConnectedError, NoReplyError or StatusError (see ``judgeforge.errors``).
        """
        ...

    async def close(self) -> None: ...
