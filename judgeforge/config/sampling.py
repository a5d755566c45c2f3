"""What the configuration says about sampling: writers, how many completions, how they differ."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from judgeforge.config.model import MOST_TOKENS
from judgeforge.config.params import LARGEST_INTEGER
from judgeforge.text.messages import SparseRecord

MOST_COMPLETIONS = 256
MOST_IN_DOUBT = 16
_MOST_NAMES = 256
_LARGEST_SEED = LARGEST_INTEGER - MOST_COMPLETIONS - MOST_IN_DOUBT
"""Each completion adds its number."""


def as_list(value: object) -> object:
    return [value] if isinstance(value, int | float | str) else value


_Names = Annotated[list[str], BeforeValidator(as_list)]
_FewNames = Annotated[_Names, Field(max_length=_MOST_NAMES)]


class SamplingConfig(SparseRecord):
    """Who writes completions, how many, and how they differ."""

    only_where_set = frozenset(
        {"models", "pool", "always", "principles", "add_to_ready", "draw_seed", "more_in_doubt"}
    )
    """So that folders which know nothing of them have the identity that they had."""

    models: _Names = Field(default_factory=list, min_length=1)
    """The writers, which take turns: the first ones write where there are more than completions."""
    completions: int = Field(default=4, ge=2, le=MOST_COMPLETIONS)
    """In total for each prompt, spread over models and temperatures."""
    temperature: Annotated[list[float], BeforeValidator(as_list)] = Field(
        default_factory=lambda: [1.0], min_length=1
    )
    """One, or several that take turns."""
    max_tokens: int = Field(default=512, ge=1, le=MOST_TOKENS)
    """The longest completion."""
    system: str | None = None
    """The system message of each request, where the prompt has none of its own."""
    seed: int | None = Field(default=None, ge=-LARGEST_INTEGER, le=_LARGEST_SEED)
    """Sent to the servers, as far as they take one."""
    keep_cut: bool = False
    """Whether a completion that `max_tokens` cut off is used."""
    keep_unsure: bool | None = None
    """Whether a completion is used that is not known to be whole: its server ended it for a reason
    that judgeforge does not know, or it is as long as `max_tokens` and is said to be whole."""
    pool: _FewNames = Field(default_factory=list)
    """In place of `models`: the writers of which some are drawn for each prompt, all equally
    often."""
    always: _FewNames = Field(default_factory=list)
    """Beside `pool`: writers of which each writes one completion of every prompt."""
    principles: _FewNames = Field(default_factory=list)
    """In place of `system`: system messages of which one is drawn for each completion."""
    add_to_ready: int = Field(default=0, ge=0, le=MOST_COMPLETIONS, strict=True)
    """How many are sampled for a prompt whose row brings completions, beside these."""
    draw_seed: int = Field(default=0, ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)
    """Decides which writers of the pool and which principles are drawn; it is not sent."""

    more_in_doubt: int = Field(default=0, ge=0, le=MOST_IN_DOUBT, strict=True)
    """With `judging.aim: training`: how many more may be sampled for a prompt whose pair is in
    doubt, each where it brings more than a further question and than a fresh prompt would for the
    same money."""

    @property
    def writers(self) -> list[str]:
        """Every model that may be sampled, once, in the order of the configuration."""
        return list(dict.fromkeys([*self.models, *self.always, *self.pool]))

    def fresh(self, ready: int) -> int:
        """How many completions are sampled for a prompt whose row brings ``ready`` of them."""
        return self.add_to_ready if ready else self.completions

    @field_validator("temperature")
    @classmethod
    def _in_range(cls, value: list[float]) -> list[float]:
        if any(not 0 <= t <= 2 for t in value):
            raise ValueError("every temperature must be from 0 to 2")
        return value

    @field_validator("pool", "always", "principles")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if any(not one.strip() for one in value) or len(set(value)) < len(value):
            raise ValueError("name each one once, and none that is empty")
        return value

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> SamplingConfig:
        if bool(self.models) == bool(self.pool):
            raise ValueError(
                "give exactly one of `models` (writers that take turns) and `pool` (writers of "
                "which some are drawn for each prompt)"
            )
        if self.system is not None and self.principles:
            raise ValueError("give `system` or `principles`, not both: each is a system message")
        if self.always:
            self._check_always()
        return self

    def _check_always(self) -> None:
        if not self.pool:
            raise ValueError("`always` stands beside `pool`; writers of `models` take turns")
        if both := [name for name in self.always if name in self.pool]:
            raise ValueError(f"`{both[0]}` is in `always` and in `pool`: name it in one of them")
        least = len(self.always)
        if self.completions <= least:
            raise ValueError(
                f"`completions` is {self.completions} and `always` names {least}: nothing is left "
                "to be drawn from `pool`; ask for more completions"
            )
        if 0 < self.add_to_ready < least:
            raise ValueError(
                f"`add_to_ready` is {self.add_to_ready} and `always` names {least}: ask for at "
                "least as many"
            )
