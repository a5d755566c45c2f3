"""The configuration of a run: strict models, nothing read from disk here (see config_file.py)."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from judgeforge.judging_config import JudgingConfig
from judgeforge.pairing.rules import PairingRules

ProviderName = Literal["openai", "anthropic", "local", "openai_decisions", "systemone"]
Structured = Literal["json_schema", "tool", "instruction"]

DECISION_PROVIDERS: frozenset[str] = frozenset({"openai_decisions", "systemone"})
"""Their models answer typed questions in probabilities and write no text."""
PAID_PROVIDERS: frozenset[str] = frozenset({"openai", "anthropic"}) | DECISION_PROVIDERS
DEFAULT_KEY_VARIABLE = {
    "openai": "OPENAI_API_KEY",
    "openai_decisions": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
}
RESERVED_PARAMS = frozenset(
    {
        "model",
        "messages",
        "system",
        "max_tokens",
        "max_completion_tokens",
        "n",
        "stream",
        "temperature",
        "seed",
        "response_format",
        "tools",
        "tool_choice",
        "logprobs",
        "top_logprobs",
        "input",
        "state",
        "questions",
    }
)
"""Body fields that judgeforge sets itself; in ``params`` they would break a promise."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, int | float | str) else value


class Fields(Part):
    """Which column of the input holds what."""

    prompt: str = "prompt"
    id: str = "id"
    reference: str = "reference"
    metadata: str = "metadata"
    completions: str = "completions"


class HuggingFaceSource(Part):
    name: str
    """A dataset on the hub or a local folder."""
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    streaming: bool = True


class PromptsConfig(Part):
    path: Path | None = None
    hf: HuggingFaceSource | None = None
    format: Literal["auto", "jsonl", "csv", "parquet", "text"] = "auto"
    fields: Fields = Fields()
    duplicate_prompts: Literal["skip", "keep"] = "skip"

    @model_validator(mode="after")
    def _one_source(self) -> PromptsConfig:
        if (self.path is None) == (self.hf is None):
            raise ValueError("give exactly one of `path` (a file) and `hf` (a dataset)")
        return self


class Price(Part):
    """USD per million tokens."""

    input_per_mtok: float = Field(ge=0)
    output_per_mtok: float = Field(ge=0)
    cached_input_per_mtok: float | None = Field(default=None, ge=0)
    """Without it, cached input costs what other input costs."""
    cache_write_per_mtok: float | None = Field(default=None, ge=0)
    """Without it, writing to the provider's cache costs what other input costs."""
    per_request: float = Field(default=0.0, ge=0)
    """USD for each request, where the provider bills one beside the tokens."""


class ModelConfig(Part):
    provider: ProviderName
    model: str = Field(min_length=1)
    base_url: str | None = None
    api_key_env: str | None = None
    api_key_file: Path | None = None
    """A file with the key and nothing else, which nobody but its owner may use (mode 0600)."""
    allow_http: bool = False
    """Whether `base_url` may be http:// to another machine: key and prompts go there readable."""
    rpm: float | None = Field(default=None, gt=0)
    tpm: float | None = Field(default=None, gt=0)
    concurrency: int = Field(default=32, ge=1, le=4096)
    """The most calls in flight. How many there are is found out while running."""
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    connect_timeout_s: float = Field(default=10.0, gt=0, le=600)
    context_tokens: int | None = Field(default=None, ge=16)
    """Of request and reply together; what cannot fit is skipped, or not judged, and never sent."""
    structured: Structured = "json_schema"
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    send_temperature: bool | None = None
    """Whether the model takes a temperature; without it, known model names decide."""
    params: dict[str, Any] = Field(default_factory=dict)
    price: Price | None = None
    fallback: str | None = None
    """The name of another model that answers while this one is out of order."""
    hedge_after: Literal["p95"] | Annotated[float, Field(gt=0, le=3600)] | None = None
    """Send a second, equal request when a reply takes longer: than 95 of 100 do, or than so many
    seconds. Both are paid."""

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no user, password or query: keys come from `api_key_env`")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_key(self) -> ModelConfig:
        if self.api_key_env and self.api_key_file:
            raise ValueError("give the key by `api_key_env` or by `api_key_file`, not by both")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> ModelConfig:
        if self.base_url and not self.allow_http and _is_readable_on_the_way(self.base_url):
            raise ValueError(
                "`base_url` is http:// to another machine, where key and prompts can be read on "
                "the way: use https://, or set `allow_http: true` for a network that you trust"
            )
        return self

    @field_validator("params")
    @classmethod
    def _no_reserved_params(cls, value: dict[str, Any]) -> dict[str, Any]:
        extra = value.get("extra_body", {})
        if not isinstance(extra, dict):
            raise ValueError("`extra_body` must be a mapping")
        taken = sorted(RESERVED_PARAMS & (value.keys() | extra.keys()))
        for config in (part["output_config"] for part in (value, extra) if "output_config" in part):
            if not isinstance(config, dict):
                raise ValueError("`output_config` must be a mapping")
            if "format" in config:
                taken.append("output_config.format")
        if taken:
            raise ValueError(
                f"`{taken[0]}` is set by judgeforge itself: "
                "see `sampling`, `judging.judges` and the other keys of the model"
            )
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> ModelConfig:
        if self.provider == "systemone" and self.base_url is None:
            raise ValueError(
                "provider `systemone` has no address of its own: give the server's `base_url`, "
                "such as http://127.0.0.1:8000/v1"
            )
        return self

    @property
    def passed_on(self) -> dict[str, Any]:
        """What ``params`` adds to the body of a request, ``extra_body`` opened out."""
        params = dict(self.params)
        return {**params.pop("extra_body", {}), **params}

    @property
    def decides(self) -> bool:
        """Whether this is a decision model, which cannot chat."""
        return self.provider in DECISION_PROVIDERS

    @property
    def key_variable(self) -> str | None:
        """The environment variable that must hold the key; None where none is needed.

        A server of one's own (`base_url`) is sent a key only where `api_key_env` or `api_key_file`
        names one, so that a provider's key never reaches another host by default.
        """
        if self.api_key_env or self.api_key_file or self.base_url:
            return self.api_key_env
        return DEFAULT_KEY_VARIABLE.get(self.provider)

    @property
    def key_place(self) -> str | None:
        """Where the key comes from, for messages; None where none is needed."""
        return str(self.api_key_file) if self.api_key_file else self.key_variable


def _is_readable_on_the_way(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname in {None, "localhost"}:
        return False
    try:
        return not ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return True


class SamplingConfig(Part):
    models: Annotated[list[str], BeforeValidator(_as_list)] = Field(min_length=1)
    completions: int = Field(default=4, ge=2, le=256)
    """In total for each prompt, spread over models and temperatures."""
    temperature: Annotated[list[float], BeforeValidator(_as_list)] = Field(
        default_factory=lambda: [1.0], min_length=1
    )
    max_tokens: int = Field(default=512, ge=1)
    system: str | None = None
    seed: int | None = None
    keep_cut: bool = False
    """Whether a completion that `max_tokens` cut off is used."""

    @field_validator("temperature")
    @classmethod
    def _in_range(cls, value: list[float]) -> list[float]:
        if any(not 0 <= t <= 2 for t in value):
            raise ValueError("every temperature must be from 0 to 2")
        return value


class BudgetConfig(Part):
    usd: float | None = Field(default=None, ge=0)
    """For the run folder, over all its starts."""
    max_calls: int | None = Field(default=None, ge=0)
    daily_usd: float | None = Field(default=None, ge=0)
    """For one day and all runs that share the ledger."""
    ledger: Path | None = None
    """The file that counts a day's money for many runs; default `.judgeforge/ledger.txt`."""
    timezone: str = "UTC"
    """Says when a day begins, such as `Europe/Vienna`."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"`{value}` is no time zone that this machine knows; write it as `Europe/Vienna` "
                "(a slim image may need `pip install tzdata`)"
            ) from error
        return value


class LimitsConfig(Part):
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Calls in flight over all models."""
    max_skip_share: float = Field(default=0.2, ge=0, le=1)
    max_attempts: int = Field(default=6, ge=1, le=100)
    max_retry_s: float = Field(default=300.0, ge=0)
    """No new attempt starts later than this after the first one; waiting in the queue of a model
    does not count."""
    stall_s: float = Field(default=600.0, gt=0, le=86_400)
    """A run in which no call brings a reply for so long says what it waits for and stops (exit 4);
    so does one whose model stays out of order for so long."""
    breaker_failures: int = Field(default=8, ge=1, le=1000)
    """After so many failures in a row a model counts as out of order and is only probed."""
    grace_s: float = Field(default=5.0, ge=0, le=600)
    """How long calls in flight may still finish after Ctrl-C or SIGTERM."""
    min_free_mb: float = Field(default=50.0, ge=0)
    """A run neither begins nor goes on with fewer megabytes free on one of its disks."""


class CacheConfig(Part):
    dir: Path | None = None


class OnFinishConfig(Part):
    """Who is told how a run ended, with a JSON summary."""

    command: list[str] | None = Field(default=None, min_length=1)
    """Program and arguments, without a shell; the summary is its standard input."""
    webhook: str | None = None
    """The summary is posted there."""
    webhook_env: str | None = None
    """The environment variable that holds the address, where the address is a secret."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)

    @field_validator("webhook")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an https:// address")
        if _is_readable_on_the_way(value):
            raise ValueError("must be an https:// address: http can be read on the way")
        return value

    @field_serializer("webhook")
    def _without_its_path(self, value: str | None) -> str | None:
        """The path of such an address is often its key, and manifests are shown around."""
        return value and f"{urlsplit(value).scheme}://{urlsplit(value).hostname}/…"


class RunConfig(Part):
    """A whole run. Paths are absolute once the file is loaded."""

    prompts: PromptsConfig
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    sampling: SamplingConfig | None = None
    rubric: str
    judging: JudgingConfig = JudgingConfig()
    pairing: PairingRules = PairingRules()
    budget: BudgetConfig = BudgetConfig()
    limits: LimitsConfig = LimitsConfig()
    cache: CacheConfig = CacheConfig()
    on_finish: OnFinishConfig | None = None

    @field_validator("models")
    @classmethod
    def _fallbacks_differ(cls, value: dict[str, ModelConfig]) -> dict[str, ModelConfig]:
        for name, model in value.items():
            if model.fallback == name:
                raise ValueError(f"`{name}` is its own fallback: name another model, or none")
        return value

    source_file: Path | None = Field(default=None, exclude=True)
    """The file that this was read from; paths in it are relative to its folder."""

    @property
    def folder(self) -> Path:
        return self.source_file.parent if self.source_file else Path.cwd()

    @property
    def cache_dir(self) -> Path:
        return self.cache.dir or self.folder / ".judgeforge" / "cache"

    @property
    def ledger_file(self) -> Path | None:
        """None where no day's money is counted."""
        if self.budget.ledger is None and self.budget.daily_usd is None:
            return None
        return self.budget.ledger or self.folder / ".judgeforge" / "ledger.txt"
