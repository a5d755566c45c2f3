"""What the configuration may ask of pairing and of the cascade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from judgeforge.text.messages import Record, SparseRecord

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


def _as_names(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


_Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


class BestRule(Record):
    """Keeps the best pairs of a whole run."""

    pairs: int = Field(ge=1, le=10**9)
    by: Literal["confidence", "margin"] = "confidence"


class PairingRules(SparseRecord):
    """How pairs are made of a ranking: which are proposed, and which of them are kept."""

    only_where_set = frozenset(
        {"chosen_from", "rejected_from", "groups", "min_chosen_score", "filter_chosen_only"}
        | {"max_token_difference", "best"}
    )
    """So that folders which know nothing of them have the identity that they had."""

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
    chosen_from: _Names = ()
    """Writers, or groups of them, that the chosen side may be from; without any, all."""
    rejected_from: _Names = ()
    """The same of the rejected side."""
    groups: Mapping[str, _Names] = Field(default_factory=dict)
    """Names for several writers, for `chosen_from` and `rejected_from`."""
    min_chosen_score: float = Field(default=0.0, ge=0.0, le=1.0)
    """Of the chosen side: the better of two bad answers is nothing to learn from."""
    max_token_difference: int | None = Field(default=None, ge=1, le=10**9)
    """Between the sides, in tokens as they are estimated: a quarter of the bytes of UTF-8."""
    best: BestRule | None = None
    """Of all pairs of a run, how many are kept, and by what; without it, all. Nothing to a single
    prompt, and so to `select_pairs`."""
    filter_chosen_only: bool = False
    """Whether completions that are suspicious (with `reject_suspicious`), were cut off or are not
    known to be whole may be the rejected side, though never the chosen one."""

    @model_validator(mode="after")
    def _no_group_of_groups(self) -> PairingRules:
        for name, members in self.groups.items():
            if not members:
                raise ValueError(f"group `{name}` names no writer")
            if inner := [one for one in members if one in self.groups]:
                raise ValueError(
                    f"group `{name}` names `{inner[0]}`, which is a group: name its writers"
                )
        if unused := [
            name for name in self.groups if name not in (*self.chosen_from, *self.rejected_from)
        ]:
            raise ValueError(
                f"neither `chosen_from` nor `rejected_from` names the group `{unused[0]}`"
            )
        return self

    def writers(self, side: Literal["chosen_from", "rejected_from"]) -> frozenset[str] | None:
        """Those that the side may be from, groups as their members; None where all are allowed."""
        named = self.chosen_from if side == "chosen_from" else self.rejected_from
        members = (self.groups.get(name, (name,)) for name in named)
        return frozenset(one for each in members for one in each) if named else None


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
