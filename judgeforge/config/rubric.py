"""What the configuration says of the rubric, where that is more than its name: criteria of each
prompt's own, and the model that writes them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from judgeforge.config.model import MOST_TOKENS
from judgeforge.text.messages import Record

PerPrompt = Literal["add", "only"]
MOST_WRITTEN = 20
"""Criteria that a model is asked to write for one prompt."""


class WriteConfig(Record):
    """A model writes the criteria of each prompt whose row brings none, once."""

    model: str
    """One of `models`."""
    most: int = Field(default=6, ge=1, le=MOST_WRITTEN)
    """Criteria for each prompt."""
    contrast: bool = False
    """Whether it is shown two of the answers, the two that have the fewest words in common."""
    max_tokens: int = Field(default=2048, ge=1, le=MOST_TOKENS)
    """The longest reply."""


class RubricConfig(Record):
    """The rubric, where more is said of it than its name."""

    name: str | None = None
    """A shipped rubric, or the path of a file; what all prompts are judged by."""
    per_prompt: PerPrompt | None = None
    """Whether a row's own `criteria` are added to those of the rubric, or are all that counts."""
    write: WriteConfig | None = None
    """Has a model write the criteria of rows that bring none."""

    @model_validator(mode="after")
    def _parts_fit(self) -> RubricConfig:
        if self.name is None and self.per_prompt != "only":
            raise ValueError(
                "needs a `name`, such as helpfulness; only with `per_prompt: only` it may be left "
                "out"
            )
        if self.write is not None and self.per_prompt is None:
            raise ValueError(
                "`write` needs `per_prompt: add` (written criteria beside those of the rubric) or "
                "`per_prompt: only` (in their place)"
            )
        return self
