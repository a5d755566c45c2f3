"""What the configuration says of judges."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from judgeforge.config.model import MOST_TOKENS
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Record

JudgeProtocol = Literal["pointwise", "pairwise", "listwise", "decisions"]

_CHAT_PROTOCOLS = frozenset({"pointwise", "pairwise", "listwise"})
_PROTOCOLS_WITH: dict[str, frozenset[str]] = {
    "logprobs": frozenset({"pointwise"}),
    "pairs": frozenset({"decisions"}),
    "orders": frozenset({"pairwise", "decisions"}),
    "seed": frozenset({"pairwise", "listwise", "decisions"}),
    "repeats": _CHAT_PROTOCOLS,
    "criteria": _CHAT_PROTOCOLS,
    "temperature": _CHAT_PROTOCOLS,
    "max_tokens": _CHAT_PROTOCOLS,
}
"""Settings of a judge that mean something for some protocols only."""


class JudgeConfig(Record):
    model: str
    name: str | None = None
    protocol: JudgeProtocol = "pointwise"
    repeats: int = Field(default=1, ge=1, le=64)
    tier: int = Field(default=1, ge=1, le=9)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_tokens: int = Field(default=1024, ge=1, le=MOST_TOKENS)
    criteria: Literal["together", "separate"] = "together"
    """All criteria in one request, or one request for each."""
    logprobs: bool = False
    """Whether scores are expected values over the probabilities of the score's tokens."""
    pairs: bool = False
    """Whether a decision model compares completions two by two instead of scoring each."""
    orders: Literal["both", "one", "random"] = "both"
    """Which of two answers is shown first: each once, the earlier one, or one that `seed` draws."""
    seed: int = 0
    """Decides orders that are drawn."""

    @model_validator(mode="after")
    def _settings_mean_something(self) -> JudgeConfig:
        for setting, protocols in _PROTOCOLS_WITH.items():
            changed = getattr(self, setting) != type(self).model_fields[setting].default
            if changed and self.protocol not in protocols:
                raise ValueError(
                    f"`{setting}` has no meaning for a judge with `protocol: {self.protocol}`; "
                    f"it belongs to {', '.join(sorted(protocols))}"
                )
        if self.protocol == "decisions" and self.orders != "both" and not self.pairs:
            raise ValueError("`orders` has a meaning for decisions with `pairs: true` only")
        return self

    @property
    def label(self) -> str:
        return self.name or self.model

    @property
    def asked_temperature(self) -> float:
        """Repeats at temperature 0 would only repeat themselves."""
        if self.temperature is not None:
            return self.temperature
        return 1.0 if self.repeats > 1 else 0.0


class JudgingConfig(Record):
    judges: list[JudgeConfig] = Field(default_factory=list)
    exclude_own_family: bool = False
    """Whether judges leave out completions of their own model family."""
    cascade: CascadeRules | None = None
    """Ask tier 1 only, then whoever tells most for the money while the pair is in doubt; without
    it all judges are asked everything."""
    fit_prompts: int = Field(default=64, ge=0, le=4096)
    """The judges' reliability is learnt from so many prompts, the first of the input."""
    calibration: Path | None = None
    """A file that `judgeforge calibrate` wrote."""
    on_judge_failure: Literal["wait", "skip_judge", "stop"] = "wait"
    """What to do while a judge's model is out of order: wait for it, go on with the other judges
    of the panel (each pair says who is missing), or stop the run."""

    @field_validator("judges")
    @classmethod
    def _names_differ(cls, value: list[JudgeConfig]) -> list[JudgeConfig]:
        labels = [judge.label for judge in value]
        double = next((label for label in labels if labels.count(label) > 1), None)
        if double is not None:
            raise ValueError(f"two judges are called `{double}`: give one of them a `name`")
        return value
