"""What the configuration may ask of the cascade."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from judgeforge.records import Record


class CascadeRules(Record):
    target_confidence: float = Field(default=0.9, gt=0.5, le=1.0)
    """A prompt is asked no more about once this probability is reached."""
    of: Literal["best", "pair"] = "best"
    """Of what: that chosen is the best completion, or that it is better than rejected."""
    max_calls_per_completion: float | None = Field(default=None, gt=0)
    """Over all judges, as a mean over the completions of a prompt."""
    max_usd_per_prompt: float | None = Field(default=None, ge=0)
    min_gain: float = Field(default=0.005, ge=0, le=1)
    """The least gain in the probability that a call must promise, for the price of a judgment of
    the first tier: where judges cannot tell, more of them are not asked either."""
