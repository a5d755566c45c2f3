"""What the configuration says of judges."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from judgeforge.config.choices import JudgeProtocol
from judgeforge.config.model import MOST_TOKENS
from judgeforge.config.params import LARGEST_INTEGER
from judgeforge.ranking.cascade.training_value import TrainingValue
from judgeforge.ranking.protocols import PROTOCOLS, ProtocolFacts, Shows
from judgeforge.ranking.rules import CascadeRules
from judgeforge.text.messages import Record, SparseRecord


class PromptFiles(Record):
    """The judge's prompt in other words: texts with named places."""

    system: Path | None = None
    """A file with the text of the system message."""
    user: Path | None = None
    """A file with the text of the user's message."""

    @model_validator(mode="after")
    def _says_something(self) -> PromptFiles:
        if self.system is None and self.user is None:
            raise ValueError("name a file for `system`, for `user`, or for both")
        return self


class ExamplesConfig(Record):
    """Judgments of people that a judge is shown in each request."""

    labels: Path
    """A label file; what is shown is left out where judges are measured on it."""
    number: int = Field(default=4, ge=1, le=32)
    """Of them in each request."""


class JudgeConfig(SparseRecord):
    """One judge: a model and a way to ask it."""

    only_where_set = frozenset({"prompt", "examples", "commit_first", "bradley_terry"})
    """So that folders which know nothing of them have the identity that they had."""

    model: str
    """One of `models`."""
    name: str | None = None
    """Of the judge, where one model judges in several ways; default the model's."""
    protocol: JudgeProtocol = "pointwise"
    """How it is asked."""
    repeats: int = Field(default=1, ge=1, le=64)
    """How often it is asked the same; above 1 its temperature is 1 where none is given."""
    tier: int = Field(default=1, ge=1, le=9)
    """With a cascade: tier 1 is asked about everything, higher ones in doubt."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Default 0, or 1 with `repeats`."""
    max_tokens: int = Field(default=1024, ge=1, le=MOST_TOKENS)
    """The longest reply."""
    criteria: Literal["together", "separate"] = "together"
    """All criteria in one request, or one request for each."""
    logprobs: bool = False
    """Whether scores are expected values over the probabilities of the score's tokens."""
    pairs: bool = False
    """Whether a decision model compares completions two by two instead of scoring each."""
    bradley_terry: bool = False
    """Whether differences of a reward model's rewards are log-odds, as it was trained: it is then
    taken to be no surer than it says."""
    orders: Literal["both", "one", "random"] = "both"
    """Which of two answers is shown first: each once, the earlier one, or one that `seed` draws."""
    seed: int = Field(default=0, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)
    """Decides orders that are drawn."""

    prompt: PromptFiles | None = None
    """The prompt in the user's own words; by default the house's."""
    examples: ExamplesConfig | None = None
    """Judgments of people that it is shown."""
    commit_first: bool = False
    """Whether it answers each prompt itself first, once, and judges with its answer in view."""

    @model_validator(mode="after")
    def _settings_mean_something(self) -> JudgeConfig:
        for setting, field in type(self).model_fields.items():
            if getattr(self, setting) == field.default or setting in self.facts.settings:
                continue
            protocols = [name for name, facts in PROTOCOLS.items() if setting in facts.settings]
            if protocols:  # otherwise it means something for all
                raise ValueError(
                    f"`{setting}` has no meaning for a judge with `protocol: {self.protocol}`; "
                    f"it belongs to {', '.join(sorted(protocols))}"
                )
        if self.orders != "both" and self.shows != "two":
            raise ValueError(f"`orders` has a meaning for {self.protocol} with `pairs: true` only")
        return self

    @property
    def facts(self) -> ProtocolFacts:
        return PROTOCOLS[self.protocol]

    @property
    def shows(self) -> Shows:
        """How many completions each of its judgments is about."""
        return "two" if self.pairs else self.facts.shows

    @property
    def questions_per_pair(self) -> int:
        return 2 if self.orders == "both" else 1

    def questions(self, completions: int) -> int:
        """How many it is asked in one round about this many completions of a prompt."""
        if self.shows == "two":
            return completions * (completions - 1) // 2 * self.questions_per_pair
        return 1 if self.shows == "all" else completions

    @property
    def label(self) -> str:
        return self.name or self.model

    def temperature_of(self, repeat: int) -> float:
        """Of a round of asking; rounds beyond ``repeats`` show how far answers differ."""
        if repeat < self.repeats:
            return self.asked_temperature
        return self.temperature or 1.0

    @property
    def asked_temperature(self) -> float:
        """Repeats at temperature 0 would only repeat themselves."""
        if self.temperature is not None:
            return self.temperature
        return 1.0 if self.repeats > 1 else 0.0


class JudgingConfig(Record):
    """Who judges, how much is asked of whom, and what judges are worth."""

    judges: list[JudgeConfig] = Field(default_factory=list)
    """Each is a model with a way to ask it."""
    exclude_own_family: bool = False
    """Whether judges leave out completions of their own model family."""
    cascade: CascadeRules | None = None
    """Ask tier 1 only, then the judges that tell most for their price while the pair is in
    doubt; without it all judges are asked everything."""
    aim: Literal["rightness", "training"] = "rightness"
    """What a further call of a cascade is for: that the pair is right, or that the model which is
    trained on all pairs becomes better, for which a fresh prompt may be the better buy."""
    training_value: TrainingValue = TrainingValue()
    """What prompts and wrong pairs are worth, for `aim: training`."""
    fit_prompts: int = Field(default=64, ge=0, le=4096)
    """The judges' reliability is learnt from this many prompts, the first of the input."""
    fit_repeats: int = Field(default=1, ge=0, le=8)
    """Bought on half of these prompts, after the first 16, where nothing else measures the judges:
    this many more answers of a judge that is alone, every judge's answers in a cascade. 0 buys
    nothing."""
    calibration: Path | None = None
    """A file that `judgeforge calibrate` wrote."""
    judgments: Path | None = None
    """A file of verdicts and scores made elsewhere, by people, programs or another machine."""
    writer_prior: bool = False
    """Whether what the first prompts show of each writer counts as evidence on all prompts."""
    show_reasoning: bool = False
    """Whether judges see what a model thought before it answered."""
    prompt_layout: Literal[1, 2] | None = None
    """How requests of judges are laid out (see ``judging.layout``). Unset, a folder keeps the one
    that it was begun with; 1 in a new folder uses what an old cache holds of such requests."""
    on_judge_failure: Literal["wait", "skip_judge", "stop"] = "wait"
    """What to do while a judge's model is out of order: wait for it, continue with the other
    judges (each pair says which is missing), or stop the run."""

    @model_validator(mode="after")
    def _aim_means_something(self) -> JudgingConfig:
        if self.aim == "training" and self.cascade is None:
            raise ValueError(
                "`aim: training` decides what a cascade asks next: set `cascade` (`cascade: {}` "
                "will do) and a `tier` above 1 for the judges that are to be asked in doubt"
            )
        if self.aim != "training" and self.training_value != TrainingValue():
            raise ValueError("`training_value` has a meaning with `aim: training` only")
        return self

    @model_validator(mode="after")
    def _records_are_learnt(self) -> JudgingConfig:
        if self.writer_prior and self.calibration is not None:
            raise ValueError(
                "`writer_prior` learns from the run's own judgments, and `calibration` brings what "
                "labels have shown of judges alone: leave out one of them"
            )
        if self.writer_prior and not self.fit_prompts:
            raise ValueError(
                "`writer_prior` is learnt from the first prompts, and `fit_prompts` is 0: raise it"
            )
        return self

    @field_validator("judges")
    @classmethod
    def _names_differ(cls, value: list[JudgeConfig]) -> list[JudgeConfig]:
        labels = [judge.label for judge in value]
        double = next((label for label in labels if labels.count(label) > 1), None)
        if double is not None:
            raise ValueError(f"two judges are called `{double}`: give one of them a `name`")
        return value
