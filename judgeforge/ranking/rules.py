"""What the configuration may ask of pairing and of the cascade."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from judgeforge.text.messages import Record

Strategy = Literal[
    "best_vs_worst",
    "best_vs_random",
    "all_pairs",
    "adjacent",
    "max_margin_k",
    "max_gap",
    "mu_minus_two_sigma",
    "length_matched",
]


class PairingRules(Record):
    """How pairs are made of a ranking: which are proposed, and which of them are kept."""

    strategy: Strategy = "best_vs_worst"
    min_confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    min_margin: float = Field(default=0.0, ge=0.0, le=1.0)
    max_length_ratio: float | None = Field(default=None, ge=1.0, le=1e6)
    """Longer over shorter side, in characters; `length_matched` takes 1.25 where none is given."""
    pairs_per_prompt: int | None = Field(default=None, ge=1, le=10**6)
    """At most this many pairs of a prompt; without it, as many as the strategy says."""
    reject_suspicious: bool = False
    """Whether completions with a `suspicious:` flag are left out before any judge sees them."""
    max_error: float | None = Field(default=None, gt=0.0, lt=0.5)
    """Keep the most pairs of which at most this share is wrong; needs `judging.calibration`."""
    guarantee: Literal["expected", "certified"] = "expected"
    """Whether `max_error` holds on average, or fails in at most `delta` of label draws."""
    delta: float = Field(default=0.1, gt=0.0, lt=1.0)
    seed: int = 0
    thinking: Literal["drop", "keep"] = "drop"
    """Whether the thoughts of the models stand in the pairs, as `reasoning_content`."""


class CascadeRules(Record):
    """When enough has been asked about a prompt, and how much that may cost."""

    target_confidence: float = Field(default=0.9, gt=0.5, le=1.0)
    """Nothing more is asked about a prompt once this probability is reached."""
    of: Literal["best", "pair"] = "best"
    """Of what: that chosen is the best completion, or that it is better than rejected."""
    max_calls_per_completion: float | None = Field(default=None, gt=0, le=1e6)
    """Over all judges, as a mean over the completions of a prompt."""
    max_usd_per_prompt: float | None = Field(default=None, ge=0, le=1e9)
    min_gain: float = Field(default=0.005, ge=0, le=1)
    """The least gain in that probability that a call must promise, for the price of a judgment of
    the first tier: where judges cannot tell, asking more of them is not worth it."""
