"""What a provider is: it builds a body, names the path, sends it and reads the reply.

It also has what the bodies of several APIs share, and how known models differ in them; the
configuration overrides each of those differences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal, Protocol

from judgeforge.config.model import ModelConfig, ReplyForm
from judgeforge.records import Finish
from judgeforge.text.messages import Message, TextPart, ToolCall

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReplySchema:
    """The JSON Schema that a structured reply must follow."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SharedPrefix:
    """Where a chat stops being the same as others that are asked at about the same time: so many
    whole messages, and of the next one its first parts or, of a text, its first characters.

    It decides how a request is sent, never what is asked: it is not part of a call's key.
    """

    messages: int
    characters: int = 0
    parts: int = 0


@dataclass(frozen=True, slots=True)
class Marks:
    """What a server's cache is asked to keep of a body."""

    at: SharedPrefix | None = None
    row: str | None = None
    """Names the row whose beginning is to be kept; None where only the rubric is."""
    for_an_hour: bool = False
    none: bool = False
    """Nothing is to be kept, not even what is marked by default."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model, before it takes the form of a provider's API."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float
    seed: int | None = None
    reply_schema: ReplySchema | None = None
    form: ReplyForm | None = None
    """How the schema is sent, among ``ModelConfig.reply_forms``; the first of them if left out."""
    top_logprobs: int | None = None
    """How many alternatives of each token are asked for; providers without them ignore it."""
    tools: str | None = None
    """JSON of the tools that the model may call, in OpenAI's shape."""
    shared: SharedPrefix | None = None


@dataclass(frozen=True, slots=True)
class DecisionQuestion:
    """A typed question to a decision model.

    ``options`` are names and descriptions: of levels from the lowest, or of what can be chosen.
    """

    name: str
    kind: Literal["yes_no", "levels", "choice"]
    instructions: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What a decision model reads, and all the questions about it."""

    messages: tuple[Message, ...]
    questions: tuple[DecisionQuestion, ...]


@dataclass(frozen=True, slots=True)
class RewardRequest:
    """A conversation whose last turn, an answer, is to get a reward."""

    messages: tuple[Message, ...]


ModelRequest = ChatRequest | DecisionRequest | RewardRequest


def chat_only(request: ModelRequest) -> ChatRequest:
    """For chat providers; which model gets which request is checked before a run."""
    if not isinstance(request, ChatRequest):
        raise TypeError("a chat model cannot answer decisions")
    return request


def decisions_only(request: ModelRequest) -> DecisionRequest:
    if not isinstance(request, DecisionRequest):
        raise TypeError("a decision model cannot chat")
    return request


def rewards_only(request: ModelRequest) -> RewardRequest:
    if not isinstance(request, RewardRequest):
        raise TypeError("a reward model gives rewards only")
    return request


@dataclass(frozen=True, slots=True)
class DecisionAnswer:
    """What a decision model says to one question; its numbers are not checked yet."""

    name: str | None
    """None where the provider relies on the order of the answers."""
    refused: bool = False
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Of "yes"; of each level by its position ("0" for the lowest); or of each choice."""
    position: float | None = None
    """The expected level, 0 for the lowest."""
    choice: str | None = None


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
    parts of it, and ``hour_write_tokens`` of the latter. ``output_tokens`` is the whole output;
    ``reasoning_tokens`` is a part of it.
    """

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    hour_write_tokens: int = 0
    """Written to be kept for an hour, at a price of its own."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    text: str
    finish: Finish
    usage: Usage | None
    """None where the provider did not say."""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    """All of them, where the request offered tools."""
    has_words: bool = True
    """Whether ``text`` is what it said; else it is the arguments of a call without words."""
    end: str | None = None
    """The server's word for an end that is an error, or that does not tell whether the text is
    whole."""
    model: str | None = None
    """The model that answered, in the provider's words."""
    tokens: tuple[TokenProbability, ...] = ()
    """All tokens of ``text``, and maybe others around it, where probabilities were asked for and
    given."""
    decisions: tuple[DecisionAnswer, ...] = ()
    """In the order in which the provider gives them; some may be missing."""
    rewards: tuple[float, ...] = ()
    """Of a reward model: one number, where the server keeps to what it was asked. They are not
    checked yet."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """A reply of status 200 as it came."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those about rate limits, with names in lower case."""


class Provider(Protocol):
    """One API of one server. Bodies are plain JSON values; a reply is the provider's own bytes."""

    endpoint: str
    """Path below the base URL, such as ``/chat/completions``."""
    base_url: str

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        """The request as this API wants it; the same request always gives an equal body."""
        ...

    def read(self, raw: bytes) -> ModelReply:
        """Read a reply. Raises MalformedReplyError where it is not one of this API."""
        ...

    async def send(self, body: Body, *, model: ModelConfig) -> RawReply:
        """Send once, without any retry.

        Raises NotConnectedError, NoReplyError or StatusError (see ``judgeforge.errors``).
        """
        ...

    async def close(self) -> None: ...


class ProviderKind(Protocol):
    """A class in ``calls/providers/`` that the table ``config.providers.PROVIDERS`` names."""

    def __call__(self, base_url: str | None, key: str | None) -> Provider: ...


def open_provider(model: ModelConfig, key: str | None) -> Provider:
    """The provider of a model, at the first of its servers. SDKs are imported when the first
    request is sent."""
    kind: ProviderKind = resolve_name(model.facts.opened_by)
    return kind(next(iter(model.addresses), None), key)


_STOPS = frozenset({"stop", "stop_sequences", "stop_token_ids", "stop_strings", "stop_words"})


def passed_on(model: ModelConfig, request: ChatRequest) -> Body:
    """What the model's ``params`` add to a body; what ends a completion would cut a judgment."""
    if request.reply_schema is None:
        return model.passed_on
    return {name: value for name, value in model.passed_on.items() if name not in _STOPS}


_NO_TEMPERATURE = re.compile(r"^(o\d|gpt-[5-9])", re.IGNORECASE)
"""Reasoning models of OpenAI take the default temperature only."""


def sends_temperature(model: ModelConfig) -> bool:
    if model.send_temperature is not None:
        return model.send_temperature
    if not model.facts.takes_temperature:
        return False
    return model.base_url is not None or not _NO_TEMPERATURE.match(model.model)


def max_tokens_field(model: ModelConfig) -> str:
    """OpenAI's own API prefers the newer name; compatible servers know the older one."""
    if model.max_tokens_field is not None:
        return model.max_tokens_field
    return model.facts.max_tokens_field if model.base_url is None else "max_tokens"


def reply_form(model: ModelConfig, request: ChatRequest) -> ReplyForm:
    """A model that stands in for another has forms of its own."""
    forms = model.reply_forms
    return request.form if request.form in forms else forms[0]


def asked_messages(model: ModelConfig, request: ChatRequest) -> tuple[Message, ...]:
    """As the model takes them. With `structured: instruction` the schema is appended to the system
    message, so that the prefix stays the same for all calls."""
    return as_placed(model, _with_instruction(model, request))


def as_placed(model: ModelConfig, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """With `system_role: user` what a system message says begins the next one of the user."""
    if model.system_role != "user":
        return messages
    placed: list[Message] = []
    waiting: list[str] = []
    for message in messages:
        if message.role in {"system", "developer"}:
            waiting.append(message.text)
        elif waiting and message.role == "user":
            placed.append(_begun_with(waiting, message))
            waiting = []
        else:
            placed += [*([_of_user(*waiting)] if waiting else []), message]
            waiting = []
    if waiting:
        placed.append(_of_user(*waiting))
    return tuple(placed)


def _begun_with(texts: Sequence[str], message: Message) -> Message:
    if isinstance(message.content, tuple):
        first = TextPart(text="\n\n".join(texts))
        return message.model_copy(update={"content": (first, *message.content)})
    return message.model_copy(update={"content": "\n\n".join([*texts, message.text])})


def _of_user(*texts: str) -> Message:
    return Message(role="user", content="\n\n".join(texts))


def _with_instruction(model: ModelConfig, request: ChatRequest) -> tuple[Message, ...]:
    messages = request.messages
    if request.reply_schema is None or reply_form(model, request) != "instruction":
        return messages
    schema = json.dumps(request.reply_schema.schema, ensure_ascii=False)
    words = f"Answer with one JSON object that follows this JSON Schema and nothing else:\n{schema}"
    if messages and messages[0].role == "system":
        first = Message(role="system", content=f"{messages[0].text}\n\n{words}")
        return (first, *messages[1:])
    return (Message(role="system", content=words), *messages)
