"""What the configuration says about a model: its provider, server, key, limits and price."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, field_validator, model_validator

from judgeforge.config.addresses import is_readable_on_the_way, plain_addresses
from judgeforge.config.batch import BatchConfig, as_batch
from judgeforge.config.choices import ProviderName
from judgeforge.config.params import why_not_params
from judgeforge.config.price import Price
from judgeforge.config.providers import PROVIDERS, MaxTokensField, ProviderFacts
from judgeforge.text.messages import Record

ReplyForm = Literal["json_schema", "tool", "instruction"]
"""How a judge is made to answer in JSON."""
AUTO: Final = "auto"
REPLY_FORMS: tuple[ReplyForm, ...] = get_args(ReplyForm)
"""In the order in which `structured: auto` tries them."""

_OWN_HEADERS = frozenset(
    {"host", "content-type", "content-length", "content-encoding", "transfer-encoding"}
    | {"connection", "accept-encoding", "expect", "te", "upgrade", "trailer"}
)
"""Headers that belong to the way a request is sent."""
MOST_TOKENS = 10**9
MOST_PICTURE_TOKENS = 50_000
"""The most that a known model bills for a picture: gpt-4o-mini 48,169, others below 17,000."""


class ModelConfig(Record):
    """One model: its provider, server, key, limits and price."""

    provider: ProviderName
    """The API that is spoken."""
    model: str = Field(min_length=1)
    """The provider's own name of the model."""
    base_url: Annotated[str | tuple[str, ...] | None, BeforeValidator(plain_addresses)] = None
    """Of its server; or of several that serve the same model, its replicas. The first of them
    stands for all of them in keys and in the identity of a folder."""
    api_key_env: str | None = None
    """The environment variable with the key."""
    api_key_file: Path | None = None
    """A file with the key and nothing else, which only its owner may use (mode 0600)."""
    allow_http: bool = False
    """Whether `base_url` may be http:// to another machine, though key and prompts can be read on
    the way."""
    rpm: float | None = Field(default=None, gt=0, le=1e12)
    """Requests a minute; the most that the provider allows."""
    tpm: float | None = Field(default=None, gt=0, le=1e12)
    """Tokens a minute, those of requests and replies together."""
    concurrency: int = Field(default=32, ge=1, le=4096)
    """The most calls in flight; how many there are is found while running."""
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    """From sending a request to the end of its reply."""
    connect_timeout_s: float = Field(default=10.0, gt=0, le=600)
    """Until the server takes the connection."""
    context_tokens: int | None = Field(default=None, ge=16, le=MOST_TOKENS)
    """For request and reply together; what cannot fit is skipped, or not judged, and never sent."""
    structured: Literal["auto", "json_schema", "tool", "instruction"] = AUTO
    """`auto`: the first of ``REPLY_FORMS`` in which one of the model's judgments can be read."""
    max_tokens_field: MaxTokensField | None = None
    """What the server calls the limit of a reply; if unset, the model's name decides."""
    send_temperature: bool | None = None
    """Whether the model takes a temperature; if unset, the model's name decides."""
    thinking_tags: tuple[str, str] | None = None
    """What opens and what closes a thought in the model's text; the usual ones are known."""
    system_role: Literal["system", "user"] | None = None
    """`user`, for models without a system role: what it would say begins the user's message."""
    chat_template: Path | None = None
    """A Jinja file, or the folder of a tokenizer: how a reward model's conversations are written
    where its server takes texts only."""
    vision: bool | None = None
    """Whether the model sees pictures: with `false`, a row that has some is refused before any
    money is spent; if unset, they are sent."""
    picture_tokens: int = Field(default=MOST_PICTURE_TOKENS, ge=1, le=MOST_TOKENS)
    """The most tokens that one picture is billed as, which calls with pictures reserve."""
    send_reasoning: bool = False
    """Whether thoughts of earlier turns are sent to the model, as `reasoning_content`."""
    headers_env: dict[str, str] = Field(default_factory=dict)
    """Headers of each request, and the environment variables that hold their values."""
    query: dict[str, str] = Field(default_factory=dict)
    """Of the address, such as Azure's `api-version`."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Further fields of each request's body, such as `top_p`."""
    price: Price | None = None
    """In place of the listed price; needed where none is listed and the budget is in USD."""
    fallback: str | None = None
    """The name of another model, which answers while this one is out of order."""
    hedge_after: Literal["p95"] | Annotated[float, Field(gt=0, le=3600)] | None = None
    """Send a second, equal request when a reply takes longer than 95 of 100 do, or than this many
    seconds. Both are paid for."""
    prompt_cache: Literal["auto"] | bool = "auto"
    """Whether the server keeps the beginnings of prompts, so that one request of several that
    begin alike goes first. `auto`: where cached input has a lower price."""
    batch: Annotated[BatchConfig | None, BeforeValidator(as_batch)] = None
    """Gather requests and send them as batches, which take up to a day and cost half."""

    @field_validator("headers_env")
    @classmethod
    def _headers_of_variables(cls, value: dict[str, str]) -> dict[str, str]:
        for header, variable in value.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", header) or header.lower() in _OWN_HEADERS:
                raise ValueError(f"`{header}` is not a header that can be set")
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
                raise ValueError(f"`{header}` takes the name of an environment variable")
        return value

    @field_validator("thinking_tags")
    @classmethod
    def _two_tags(cls, value: tuple[str, str] | None) -> tuple[str, str] | None:
        if value and (not value[0].strip() or not value[1].strip() or value[0] == value[1]):
            raise ValueError('must be two different texts, such as ["<think>", "</think>"]')
        return value

    @field_validator("params")
    @classmethod
    def _part_of_a_request(cls, value: dict[str, Any]) -> dict[str, Any]:
        if (problem := why_not_params(value)) is not None:
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> ModelConfig:
        ways, requests = self._problems_on_the_way(), self._problems_of_requests()
        first = next(chain(ways, requests, self._problems_of_server()), None)
        if first is not None:
            raise ValueError(first)
        return self

    def _problems_on_the_way(self) -> Iterator[str]:
        """What a provider adds to its base URL by itself must not be there already, say."""
        path = self.facts.path
        for end in (path, *(["/v1"] if path.startswith("/v1/") else [])):
            for url in self.addresses:
                if end and url.lower().endswith(end):
                    yield (
                        f"`base_url` ends in {end}, which judgeforge adds itself: it asks "
                        f"{url}{path}. Write `base_url: {url[: -len(end)]}`"
                    )
        if self.api_key_env and self.api_key_file:
            yield "give the key by `api_key_env` or by `api_key_file`, not both"
        if not self.allow_http and any(map(is_readable_on_the_way, self.addresses)):
            yield (
                "`base_url` is http:// to another machine, where key and prompts can be read on "
                "the way: use https://, or set `allow_http: true` for a network that you trust"
            )

    def _problems_of_requests(self) -> Iterator[str]:
        """What they may hold."""
        facts, provider = self.facts, f"provider `{self.provider}`"
        if self.send_reasoning and not facts.takes_thoughts:
            yield f"{provider} takes no thoughts of others: take `send_reasoning` out"
        for name in sorted(facts.reserved_params & self.passed_on.keys()):
            yield (
                f"`params.{name}` is set by judgeforge itself: rewards are asked for as they are, "
                "of whole conversations"
            )
        if facts.known_params is not None:
            known = ", ".join(sorted(facts.known_params))
            for name in sorted(self.passed_on.keys() - facts.known_params):
                yield f"`params.{name}` is unknown to {provider}, which takes {known}"
        if self.chat_template is not None and "rewards" not in facts.gives:
            yield f"`chat_template` is for reward models, and {provider} has none"

    def _problems_of_server(self) -> Iterator[str]:
        """What it can do."""
        facts, provider = self.facts, f"provider `{self.provider}`"
        if facts.needs_base_url and self.base_url is None:
            yield (
                f"{provider} has no address of its own: give the server's `base_url`, such as "
                "http://127.0.0.1:8000/v1"
            )
        if len(self.addresses) > 1 and facts.in_process:
            yield (f"{provider} runs inside this process and asks no server: take `base_url` out")
        if len(self.addresses) > 1 and self.batch is not None:
            yield (
                "a batch lives on one server, which must be asked for it again: give one "
                "`base_url`, or take `batch` out"
            )
        if self.prompt_cache is True and facts.prompt_cache is None:
            yield (
                f"nothing is known of how {provider} keeps the beginnings of prompts: take "
                "`prompt_cache` out"
            )
        if self.batch is not None and facts.batches is None:
            able = ", ".join(f"`{name}`" for name, one in PROVIDERS.items() if one.batches)
            yield f"{provider} takes no batches (these do: {able}): take `batch` out"
        refused = facts.batches.refused_params if self.batch and facts.batches else frozenset()
        for name in sorted(refused & self.passed_on.keys()):
            yield f"a batch takes no `{name}`: take it or `batch` out"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of `base_url`; none where the provider's own is asked."""
        if self.base_url is None or isinstance(self.base_url, str):
            return (self.base_url,) if self.base_url else ()
        return self.base_url

    @property
    def replicas(self) -> tuple[ModelConfig, ...]:
        """The model on each of its servers: the same, with one address each."""
        if len(self.addresses) < 2:
            return (self,)
        return tuple(self.model_copy(update={"base_url": one}) for one in self.addresses)

    @property
    def passed_on(self) -> dict[str, Any]:
        """What ``params`` adds to the body of a request, with ``extra_body`` merged in."""
        params = dict(self.params)
        return {**params.pop("extra_body", {}), **params}

    @property
    def reply_forms(self) -> tuple[ReplyForm, ...]:
        """Those in which its judgments may be asked for; of ``auto`` the usual one first."""
        if self.structured != "auto":
            return (self.structured,)
        facts = self.facts
        # An engine inside this process keeps to every schema.
        return REPLY_FORMS[:1] if facts.in_process or not facts.writes else REPLY_FORMS

    @property
    def query_string(self) -> str:
        """With its question mark; empty where there is none."""
        return f"?{urlencode(sorted(self.query.items()))}" if self.query else ""

    @property
    def facts(self) -> ProviderFacts:
        return PROVIDERS[self.provider]

    @property
    def key_variable(self) -> str | None:
        """The environment variable that must hold the key; None where none is needed.

        A `base_url` is sent a key only where `api_key_env` or `api_key_file` names one, so that a
        provider's key never reaches another host by default.
        """
        if self.api_key_env or self.api_key_file or self.base_url:
            return self.api_key_env
        return self.facts.key_variable

    @property
    def key_place(self) -> str | None:
        """The file or variable that the key comes from; None where none is needed."""
        return str(self.api_key_file) if self.api_key_file else self.key_variable
