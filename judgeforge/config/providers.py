"""The providers, which are the APIs of models, and what is true of each of them.

A new one is one file with its class in ``calls/providers/`` and one line in ``PROVIDERS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from judgeforge.ranking.protocols import Gives

MaxTokensField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """How a provider takes many requests at once, and what one batch may hold."""

    opened_by: str
    """The class as ``module:name`` (see ``calls.providers.batches.BatchServer``)."""
    most_requests: int
    most_bytes: int
    refused_params: frozenset[str] = frozenset()
    """Parameters of requests that a batch does not take."""


@dataclass(frozen=True, slots=True)
class PromptCacheFacts:
    """How a provider keeps the beginnings of prompts, and bills what it reads of them."""

    marked_by: str
    """The function as ``module:name`` that marks in a body what is to be kept (see
    ``calls.providers.base.Marks``)."""
    least_tokens: int
    """Shorter beginnings are not kept."""
    least_by_model: tuple[tuple[str, int], ...] = ()
    """What holds for models whose names match instead; the first that matches."""
    may_keep_an_hour: bool = False
    """Whether a mark can ask for an hour, which a batch needs."""


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What concerns the provider's own address holds only where a model has no `base_url`."""

    opened_by: str
    """The class as ``module:name`` (see ``calls.providers.base.ProviderKind``), which is imported
    when the first model of the provider is opened."""
    path: str = ""
    """What is asked below the base URL, such as ``/chat/completions``."""
    key_variable: str | None = None
    """The environment variable that holds the key for its own address."""
    family: str | None = None
    """The family of all models at its own address, see ``judging.own_family``."""
    listed_as: str | None = None
    """Its name in the public price list, where that differs from its name here. The list has the
    prices of chat, which a decision does not exceed; a `price` is exact."""
    paid: bool = True
    """Whether its calls may cost money even where no price is known."""
    gives: frozenset[Gives] = frozenset({"words"})
    """What its models answer with; some give one thing, some another."""
    needs_base_url: bool = False
    """Whether it has no address of its own."""
    in_process: bool = False
    """Whether its models run inside this process; a model's name may then be a path."""
    find_model: str | None = None
    """The function as ``module:name`` that finds a model's file by its name before a run, or raises
    ConfigError."""
    takes_temperature: bool = True
    takes_tools: bool = True
    """Whether its models can be offered tools, and read turns of tools."""
    takes_pictures: bool = True
    takes_thoughts: bool = True
    """Whether it can be sent what models thought in earlier turns."""
    max_tokens_field: MaxTokensField = "max_tokens"
    """What its own address calls the output limit."""
    batches: BatchFacts | None = None
    """None where the API has no batches, or they do not take what it asks."""
    prompt_cache: PromptCacheFacts | None = None
    free_here: bool = False
    """Whether a server on this machine is nobody's to pay."""
    below_root: bool = False
    """Whether its path stands beside ``/v1`` and not below it: a `base_url` may end in either."""
    reserved_params: frozenset[str] = frozenset()
    """Fields of its requests, beside the usual ones, that `params` may not set."""

    known_params: frozenset[str] | None = None
    """All that `params` may hold; None where a server decides that."""
    check_gives: str | None = None
    """The function as ``module:name`` that looks into a model's files before a run: it raises
    ConfigError where the model cannot give what a protocol needs."""

    @property
    def writes(self) -> bool:
        return "words" in self.gives


PROVIDERS: dict[str, ProviderFacts] = {
    "openai": ProviderFacts(
        "judgeforge.calls.providers.openai_chat:OpenAIChat",
        path="/chat/completions",
        key_variable="OPENAI_API_KEY",
        family="gpt",
        max_tokens_field="max_completion_tokens",
        batches=BatchFacts(
            "judgeforge.calls.providers.openai_batches:OpenAIBatches",
            most_requests=50_000,
            most_bytes=200 * 10**6,
        ),
        prompt_cache=PromptCacheFacts(
            "judgeforge.calls.providers.openai_marks:marked", least_tokens=1024
        ),
    ),
    "anthropic": ProviderFacts(
        "judgeforge.calls.providers.anthropic_messages:AnthropicMessages",
        path="/v1/messages",
        key_variable="ANTHROPIC_API_KEY",
        family="claude",
        # The API version that the SDK speaks (2026-10-21) refuses temperature, top_p and top_k.
        takes_temperature=False,
        # Only those that it signed itself, which no row has.
        takes_thoughts=False,
        batches=BatchFacts(
            "judgeforge.calls.providers.anthropic_batches:AnthropicBatches",
            most_requests=100_000,
            most_bytes=256 * 10**6,
            refused_params=frozenset({"speed", "store", "previous_thread_event_id"}),
        ),
        prompt_cache=PromptCacheFacts(
            "judgeforge.calls.providers.anthropic_marks:marked",
            least_tokens=1024,
            least_by_model=(
                (r"(opus|fable|mythos)-5", 512),
                (r"opus-4-7|haiku-3", 2048),
                (r"opus-4-[56]|haiku-4", 4096),
            ),
            may_keep_an_hour=True,
        ),
    ),
    "local": ProviderFacts(
        "judgeforge.calls.providers.local:LocalProvider",
        paid=False,
        in_process=True,
        takes_tools=False,
        takes_pictures=False,
        find_model="judgeforge.calls.providers.local_engine:find_model",
    ),
    "openai_decisions": ProviderFacts(
        "judgeforge.calls.providers.openai_decisions:OpenAIDecisions",
        path="/decisions",
        key_variable="OPENAI_API_KEY",
        family="gpt",
        listed_as="openai",
        gives=frozenset({"probabilities"}),
        takes_tools=False,
        takes_pictures=False,
    ),
    "systemone": ProviderFacts(
        "judgeforge.calls.providers.systemone:SystemOne",
        path="/systemone",
        gives=frozenset({"probabilities"}),
        takes_tools=False,
        takes_pictures=False,
        needs_base_url=True,
    ),
    "classify": ProviderFacts(
        "judgeforge.calls.providers.classify:Classify",
        path="/classify",
        gives=frozenset({"rewards"}),
        takes_tools=False,
        takes_pictures=False,
        needs_base_url=True,
        free_here=True,
        below_root=True,
        reserved_params=frozenset(
            {"text", "use_activation", "truncate_prompt_tokens", "truncation_side", "normalize"}
        ),
    ),
    "tei": ProviderFacts(
        "judgeforge.calls.providers.tei:TextEmbeddingsInference",
        path="/predict",
        gives=frozenset({"rewards"}),
        takes_tools=False,
        takes_pictures=False,
        needs_base_url=True,
        free_here=True,
        below_root=True,
        reserved_params=frozenset({"inputs", "raw_scores", "truncate", "truncation_direction"}),
    ),
    "transformers": ProviderFacts(
        "judgeforge.calls.providers.transformers_local:TransformersProvider",
        paid=False,
        gives=frozenset({"probabilities", "rewards"}),
        in_process=True,
        takes_tools=False,
        takes_pictures=False,
        find_model="judgeforge.calls.providers.transformers_files:find_model",
        known_params=frozenset({"batch_size", "device", "dtype"}),
        check_gives="judgeforge.calls.providers.transformers_files:check_gives",
    ),
}


def runs_in_process(provider: object) -> bool:
    """``provider``: as a manifest names it; this version may not know it."""
    return isinstance(provider, str) and provider in PROVIDERS and PROVIDERS[provider].in_process
