"""What people say of the completions of one prompt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from judgeforge.records import Record

LabelKind = Literal["best", "pair"]
"""Which of all completions is the best, or which of two is better."""

LEAST_LABELS = 20
"""Fewer are refused."""
ENOUGH_LABELS = 40
"""From here on a calibration can be relied on."""


class TooFewLabelsError(ValueError):
    """Labels that cannot carry a calibration."""


class Label(Record):
    """The parts that the label gives to completions sum to 1: a tie gives half to each."""

    prompt_id: str
    parts: Mapping[str, float] = Field(min_length=1)
    """By completion id; completions that are not named have none."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if min(self.parts.values()) < 0 or not math.isclose(sum(self.parts.values()), 1.0):
            raise ValueError("the parts of a label must not be negative and must sum to 1")
        return self

    @property
    def preferred(self) -> list[str]:
        """Several where people see a tie."""
        most = max(self.parts.values())
        return [name for name, part in self.parts.items() if part == most]

    @classmethod
    def tie(cls, prompt_id: str, completion_ids: Sequence[str]) -> Label:
        return cls(
            prompt_id=prompt_id, parts=dict.fromkeys(completion_ids, 1 / len(completion_ids))
        )

    @classmethod
    def of(cls, prompt_id: str, completion_id: str) -> Label:
        return cls(prompt_id=prompt_id, parts={completion_id: 1.0})


def check_number(labels: int) -> None:
    """Raises TooFewLabelsError with the reason."""
    if labels >= LEAST_LABELS:
        return
    spread = 100 * math.sqrt(0.9 * 0.1 / max(1, labels))
    raise TooFewLabelsError(
        f"{labels} labels are too few to calibrate on: the share of right pairs alone would be "
        f"uncertain by {spread:.0f} percentage points or more, and weights and probabilities are "
        f"fitted on top. Give at least {LEAST_LABELS}, better {ENOUGH_LABELS} or more."
    )
