"""The configuration of a run: strict models. Nothing is read from disk here; file.py does that."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_serializer,
    field_validator,
    model_validator,
)

from judgeforge.config.addresses import is_readable_on_the_way
from judgeforge.config.choices import RowFormatName, RowShapeName
from judgeforge.config.judges import JudgingConfig
from judgeforge.config.model import ModelConfig
from judgeforge.config.rubric import RubricConfig
from judgeforge.config.sampling import SamplingConfig, as_list
from judgeforge.ranking.rules import PairingRules, first_tier
from judgeforge.text.messages import Record

LastAnswer = Literal["refuse", "drop", "completion"]


def _as_sources(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _kind_of_rubric(value: object) -> str:
    """Which of the two is meant: only what is wrong with that is told."""
    return "settings" if isinstance(value, dict | RubricConfig) else "name"


class Fields(Record):
    """Which column of the input is what; null for one that is not to be read.

    What stands within a column is named by a path: ``body.messages``, ``ground_truth.0``.
    """

    prompt: str = "prompt"
    """A text or a list of messages."""
    id: str | None = "id"
    """Unique; without one, a digest of the row stands for it."""
    reference: str | None = "reference"
    """A correct answer, which judges see and checks compare with."""
    metadata: str | None = "metadata"
    """A mapping, for `keep`, checks and slices."""
    completions: str | None = "completions"
    """Answers that exist already."""
    chosen: str | None = "chosen"
    """The better of two answers that exist already."""
    rejected: str | None = "rejected"
    """The worse of two answers that exist already."""
    tools: str | None = "tools"
    """What the assistant may call: a list, or its JSON text."""
    criteria: str | None = "criteria"
    """Read only where the rubric has `per_prompt`."""
    images: str | None = "images"
    """Pictures that stand beside the prompt: one or a list. By default, else the column `image`."""


class HuggingFaceSource(Record):
    """A dataset of the Hugging Face hub, or one that was saved in a folder."""

    name: str
    """A dataset on the hub or a local folder."""
    config: str | None = None
    """The name of one of the dataset's configurations."""
    split: str = "train"
    """Such as `train` or `test`."""
    revision: str | None = None
    """A branch, a tag or a commit; with a commit the input can never change."""
    streaming: bool = True
    """Whether rows are read while they come, instead of all being stored first."""


class ContaminationConfig(Record):
    """Which evaluation sets no prompt may be of."""

    against: Annotated[list[Path | HuggingFaceSource], BeforeValidator(_as_sources)] = Field(
        min_length=1
    )
    """Files, folders of files, and datasets."""
    column: str | None = None
    """The column of these sets with what is asked; by default known names are looked for."""
    ngram: int = Field(default=8, ge=2, le=64)
    """Words in a run that counts as shared."""
    share: float = Field(default=0.5, gt=0, le=1)
    """Of the runs of an evaluation row: with this many in a prompt, it is contaminated."""


class PromptsConfig(Record):
    """The prompts: where they come from, how rows are read, and which of them are left out."""

    path: Path | Annotated[list[Path], Field(min_length=1)] | None = None
    """A file of rows, a folder of such files, a pattern (`data/*.jsonl`), or a list of these."""
    hf: HuggingFaceSource | None = None
    """A dataset, in place of `path`."""
    format: RowFormatName = "auto"
    """Of the file; `auto` goes by the end of its name."""
    fields: Fields = Fields()
    """Which column is what, where names differ from the usual ones."""
    shape: RowShapeName = "auto"
    """How rows are laid out; by default their columns tell it."""
    last_answer: LastAnswer = "refuse"
    """What becomes of the answer that a prompt's messages end in."""
    keep: Annotated[list[str], BeforeValidator(as_list)] = Field(default_factory=list)
    """Columns, or keys of the metadata, that go into the pairs."""
    duplicate_prompts: Literal["skip", "keep"] = "skip"
    """Whether a prompt that stands in the input again is skipped."""
    near_duplicates: float | None = Field(default=None, ge=0.5, le=1)
    """From which similarity on a prompt is taken for an earlier one: the share of the runs of five
    characters of either that both have."""
    contamination: ContaminationConfig | None = None
    """Skips prompts that stand in evaluation sets."""

    @field_validator("keep")
    @classmethod
    def _distinct_names(cls, value: list[str]) -> list[str]:
        if any(not name for name in value) or len(set(value)) < len(value):
            raise ValueError("name each column or key of the metadata once")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> PromptsConfig:
        if (self.path is None) == (self.hf is None):
            raise ValueError("give exactly one of `path` (a file) and `hf` (a dataset)")
        return self

    @model_validator(mode="after")
    def _equal_is_near(self) -> PromptsConfig:
        if self.near_duplicates is not None and self.duplicate_prompts == "keep":
            raise ValueError(
                "an equal prompt is a near one, too: leave out `duplicate_prompts: keep` or "
                "`near_duplicates`"
            )
        return self


class BudgetConfig(Record):
    """What may be spent."""

    usd: float | None = Field(default=None, ge=0, le=1e9)
    """For the run folder, over all its starts."""
    max_calls: int | None = Field(default=None, ge=0, le=10**12)
    """Paid requests of the run folder, over all its starts."""
    daily_usd: float | None = Field(default=None, ge=0, le=1e9)
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
                f"`{value}` is not a time zone that this machine knows; write it as "
                "`Europe/Vienna` (a slim image may need `pip install tzdata`)"
            ) from error
        return value


class LimitsConfig(Record):
    """How long a run may wait, retry and fail."""

    concurrency: int = Field(default=64, ge=1, le=4096)
    """Calls in flight over all models."""
    batch_prompts: int = Field(default=5000, ge=1, le=100_000)
    """Prompts under way at once where a model is asked in batches: these are gathered from them.
    One takes some 100 kB of memory."""
    max_skip_share: float = Field(default=0.2, ge=0, le=1)
    """With more than this share of prompts failed, a finished run ends with exit code 5."""
    max_attempts: int = Field(default=6, ge=1, le=100)
    """Of one request, where it fails for a reason that may pass."""
    max_retry_s: float = Field(default=300.0, ge=0, le=2_592_000)
    """No new attempt starts later than this after the first one; waiting in the queue of a model
    does not count."""
    stall_s: float = Field(default=600.0, gt=0, le=86_400)
    """A run in which no call brings a reply for this long says what it waits for and stops (exit
    4); so does one whose model stays out of order for this long."""
    breaker_failures: int = Field(default=8, ge=1, le=1000)
    """After this many failures in a row a model counts as out of order and is only probed."""
    grace_s: float = Field(default=5.0, ge=0, le=600)
    """How long calls in flight may still finish after Ctrl-C or SIGTERM."""
    min_free_mb: float = Field(default=50.0, ge=0, le=1e9)
    """A run neither starts nor continues with fewer megabytes free on one of its disks."""


EACH_SECOND: Literal["each_second"] = "each_second"
EACH_REPLY: Literal["each_reply"] = "each_reply"


class CacheConfig(Record):
    """Where paid replies are kept, and how safely."""

    dir: Path | None = None
    """Where replies are kept; default `.judgeforge/cache` beside the configuration. Runs that share
    it never pay for the same request twice."""
    durable: Literal["each_second", "each_reply"] = EACH_SECOND
    """When what was paid for is on the disk, where no power cut can take it: once a second, or each
    reply and all that was reserved before it, before the reply is used."""


class OnFinishConfig(Record):
    """What is told how a run ended, with a JSON summary."""

    command: list[str] | None = Field(default=None, min_length=1)
    """Program and arguments, without a shell; the summary is its standard input."""
    webhook: str | None = None
    """The summary is posted there."""
    webhook_env: str | None = None
    """The environment variable with the address, where the address is a secret."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long the program or the address may take."""

    @field_validator("webhook")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an https:// address")
        if is_readable_on_the_way(value):
            raise ValueError("must be an https:// address: http can be read on the way")
        return value

    @field_serializer("webhook")
    def _without_its_path(self, value: str | None) -> str | None:
        """The path of such an address is often its key, and manifests are shown around."""
        return value and f"{urlsplit(value).scheme}://{urlsplit(value).hostname}/…"


class RunConfig(Record):
    """A whole run. Paths are absolute once the file is loaded."""

    prompts: PromptsConfig
    """Where the prompts come from."""
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    """Every model by a name of your own; `sampling`, `judging` and `fallback` use these names."""
    sampling: SamplingConfig | None = None
    """Who writes completions, and how many; left out where rows bring them."""
    rubric: Annotated[
        Annotated[str, Tag("name")] | Annotated[RubricConfig, Tag("settings")],
        Discriminator(_kind_of_rubric),
    ]
    """What completions are judged by: the name of a shipped rubric, the path of a file, or a
    mapping."""
    judging: JudgingConfig = JudgingConfig()
    """Who judges, and how; left out for a run that only samples."""
    pairing: PairingRules = PairingRules()
    """Which pairs are made of a ranking, and which of them are kept."""
    budget: BudgetConfig = BudgetConfig()
    """What may be spent; a run never spends more."""
    limits: LimitsConfig = LimitsConfig()
    """What keeps a run from waiting, retrying or failing for too long."""
    cache: CacheConfig = CacheConfig()
    """Where paid replies are kept."""
    on_finish: OnFinishConfig | None = None
    """What is told how the run ended."""

    @field_validator("models")
    @classmethod
    def _fallbacks_differ(cls, value: dict[str, ModelConfig]) -> dict[str, ModelConfig]:
        for name, model in value.items():
            if model.fallback == name:
                raise ValueError(f"`{name}` is its own fallback: name another model, or none")
        return value

    @model_validator(mode="after")
    def _one_aim(self) -> RunConfig:
        if self.judging.aim == "training" and self.pairing.max_error is not None:
            raise ValueError(
                "`judging.aim: training` and `pairing.max_error` want different things of the same "
                "calls: leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _more_in_doubt_can_be_judged(self) -> RunConfig:
        if self.sampling is None or not self.sampling.more_in_doubt or self.only_samples:
            return self
        if self.judging.aim != "training":
            raise ValueError(
                "`sampling.more_in_doubt` samples where that brings a trained model more than a "
                "fresh prompt would: set `judging.aim: training`, or leave it out and raise "
                "`sampling.completions`"
            )
        tier = first_tier(self.judging.judges)
        for judge in self.judging.judges:
            if judge.tier == tier and judge.shows != "one":
                raise ValueError(
                    f"`sampling.more_in_doubt` needs judges in the first tier that see one "
                    f"completion at a time, and `{judge.label}` ({judge.protocol}) sees several: "
                    "move it to a higher `tier`, or ask it by `pointwise`"
                )
        if self.pairing.by_design:
            raise ValueError(
                "`sampling.more_in_doubt` and `pairing.strategy: delta` exclude each other: pairs "
                "by design are of the first completions"
            )
        return self

    source_file: Path | None = Field(default=None, exclude=True)
    """The file that this was read from; paths in it are relative to its folder."""
    known_addresses: dict[str, str] = Field(default_factory=dict, exclude=True)
    """By model: the address in the keys of its calls, where that is not its first any more, since
    the folder was begun when it was (see ``runs.preparation.replicas``)."""

    @property
    def rubric_parts(self) -> RubricConfig:
        """The rubric with its settings, also where it is only named."""
        return RubricConfig(name=self.rubric) if isinstance(self.rubric, str) else self.rubric

    @property
    def only_samples(self) -> bool:
        """Whether `judging` is left out: where the rubric has criteria for a judge, completions are
        written and judged later."""
        return "judging" not in self.model_fields_set

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
