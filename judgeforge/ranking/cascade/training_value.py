"""What pairs are worth to the model that is trained on them, and what a call has to bring. Pure.

The figures come from 85 small trainings (a model of 135 million parameters, direct preference
optimisation, answers that code can check): doubling the prompts brought 2.4 points of the model's
success (+- 1.2), one point more of wrong pairs cost 0.87 (+- 0.66), doubling the steps brought 4.5
(+- 2.3), and pairs of equal answers cost nothing that could be measured. They are one experiment:
with another model or another task, set your own.

With N prompts of which the share w has a wrong pair, the value is D log2(N) - 100 C w. A fresh
prompt adds D / (N ln 2), and a pair that is less likely wrong by d adds 100 C d / N: N falls out,
so what pays does not depend on how far a run has come, nor on where it was stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from judgeforge.text.messages import Record

ERRORS = {"doubling_prompts": 1.2, "doubling_steps": 2.3, "point_wrong": 0.66}
"""Half of the 95 % intervals of the figures below, in the same experiment."""


class TrainingValue(Record):
    """Points of a trained model's success."""

    doubling_prompts: float = Field(default=2.4, ge=0, le=1000)
    """What twice the prompts bring, with the same number of steps."""
    point_wrong: float = Field(default=0.87, gt=0, le=1000)
    """What one point more of wrong pairs (1 % of them) costs."""
    doubling_steps: float = Field(default=4.5, ge=0, le=1000)
    """What twice the steps bring; counted only where steps follow the pairs."""
    steps: Literal["fixed", "by_pairs"] = "fixed"
    """Whether the training makes a fixed number of steps, or of epochs, so that twice the pairs are
    twice the steps too. More steps can be had without pairs, so they are not counted by default."""

    @property
    def doubling(self) -> float:
        more = self.doubling_steps if self.steps == "by_pairs" else 0.0
        return self.doubling_prompts + more

    @property
    def worth_a_prompt(self) -> float:
        """How much less likely wrong pairs must become, all together, for the price of a fresh
        prompt: 0.04 with the figures above."""
        return self.doubling / math.log(2.0) / (100.0 * self.point_wrong)

    def points(self, prompts: float, wrong: float) -> float:
        """``wrong``: share of the pairs, 0 to 1. Only differences of points mean anything."""
        return self.doubling * math.log2(prompts) - 100.0 * self.point_wrong * wrong

    def error_of_difference(self, doublings: float, wrong: float) -> float:
        """Half of the 95 % interval of what this many doublings of the prompts and this much more
        of wrong pairs (0 to 1) bring, for what the figures leave open."""
        errors = [ERRORS["doubling_prompts"] * doublings, ERRORS["point_wrong"] * 100.0 * wrong]
        if self.steps == "by_pairs":
            errors.append(ERRORS["doubling_steps"] * doublings)
        return math.hypot(*errors)


@dataclass(frozen=True, slots=True)
class ForTraining:
    """Instead of asking more about a prompt a fresh one can be begun."""

    value: TrainingValue
    prompt_cost: float
    """Of a fresh prompt with its completions and the first tier, in the unit of judges' costs."""
    another: Another | None = None
    """The completion that can be sampled next for the prompt in doubt; None where none may be."""


@dataclass(frozen=True, slots=True)
class Another:
    """A further completion of the same prompt."""

    cost: float
    """Of sampling it and of the first tier's judgments of it, in the unit of judges' costs."""
    writer: str = ""
    judges: frozenset[str] | None = None
    """Those of the first tier that would be asked about it; None: all of them."""
