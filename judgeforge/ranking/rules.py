"""What the configuration may ask of pairing and of the cascade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Protocol

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
    "delta",
]


def _as_names(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


_Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]


_Difference = Annotated[int, Field(ge=1, le=10**9)]
OTHER_SLICES = "default"
"""Of ``max_token_difference``: the prompts whose value is not named."""
USUAL_AUDIT = 0.05


class BestRule(Record):
    """Keeps the best pairs of a whole run."""

    pairs: int = Field(ge=1, le=10**9)
    """The most that are kept."""
    by: Literal["confidence", "margin"] = "confidence"
    """What the best ones have most of."""


class PairingRules(SparseRecord):
    """How pairs are made of a ranking: which are proposed, and which of them are kept."""

    only_where_set = frozenset(
        {"chosen_from", "rejected_from", "groups", "min_chosen_score", "filter_chosen_only"}
        | {"max_token_difference", "token_difference_by", "tokenizer", "best", "audit"}
    )
    """So that folders which know nothing of them have the identity that they had."""

    strategy: Strategy = "best_vs_worst"
    """Which pairs are proposed."""
    min_confidence: float = Field(default=0.0, ge=0.0, le=1.0)
    """The least probability that chosen is better."""
    min_margin: float = Field(default=0.0, ge=0.0, le=1.0)
    """The least difference of the scores."""
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
    """How often a certified `max_error` may fail."""
    seed: int = 0
    """Decides what strategies draw."""
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
    max_token_difference: _Difference | Mapping[str, _Difference | None] | None = None
    """Between the sides, in tokens. For slices of the prompts: a number, or null for no limit, by
    what the metadata says under `token_difference_by`; `default` stands for all other values."""
    token_difference_by: str | None = Field(default=None, min_length=1)
    """The key of the metadata that tells the slices of `max_token_difference` apart."""
    tokenizer: str | None = Field(default=None, min_length=1)
    """What counts tokens: a file `tokenizer.json`, a folder with one, or its name on the hub.
    Without one they are estimated: a quarter of the bytes of UTF-8."""
    audit: float | None = Field(default=None, ge=0.0, le=1.0)
    """With `delta`: the share of the prompts whose pair is judged, to say how often such a pair is
    right; 0.05 where nothing is said. 0 judges nothing, and the confidence is not measured."""
    stop_below: float | None = Field(default=None, gt=0.0, lt=1.0)
    """With `delta`: the run stops once its audit shows that less than this share of the pairs is
    right. It can be resumed with a lower one, or without."""
    best: BestRule | None = None
    """Of all pairs of a run, how many are kept, and by what; without it, all. Nothing to a single
    prompt, and so to `select_pairs`."""
    filter_chosen_only: bool = False
    """Whether completions that are suspicious (with `reject_suspicious`), were cut off or are not
    known to be whole may be the rejected side, though never the chosen one."""

    @model_validator(mode="before")
    @classmethod
    def _audits_as_usual(cls, given: object) -> object:
        if not isinstance(given, Mapping) or given.get("strategy") != "delta":
            return given
        return {"audit": USUAL_AUDIT, **given} if given.get("audit") is None else given

    @model_validator(mode="after")
    def _slices_have_a_key(self) -> PairingRules:
        sliced = isinstance(self.max_token_difference, Mapping)
        if sliced and self.token_difference_by is None:
            raise ValueError(
                "`max_token_difference` names slices: say in `token_difference_by` which key of "
                "the metadata tells them apart"
            )
        if self.token_difference_by is not None and not sliced:
            raise ValueError(
                "`token_difference_by` needs slices in `max_token_difference`, such as "
                "{chat: 100, default: null}"
            )
        if self.tokenizer is not None and self.max_token_difference is None:
            raise ValueError("`tokenizer` counts for `max_token_difference`, which is not set")
        return self

    @model_validator(mode="after")
    def _designed_or_judged(self) -> PairingRules:
        if not self.by_design:
            if self.audit is not None:
                raise ValueError("`audit` belongs to `strategy: delta`; other pairs are all judged")
            if self.stop_below is not None:
                raise ValueError(
                    "`stop_below` goes by the audit of `strategy: delta`; of pairs that are all "
                    "judged, `min_confidence` leaves out those in doubt"
                )
            return self
        problem = why_not_designed(self)
        if problem is not None:
            raise ValueError(problem)
        return self

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
        if not named:
            return None
        members = (self.groups.get(name, (name,)) for name in named)
        return frozenset(one for each in members for one in each)

    @property
    def by_design(self) -> bool:
        """Whether pairs are made without a judgment of each."""
        return self.strategy == "delta"

    @property
    def audits(self) -> bool:
        """Whether some of the pairs by design are judged."""
        return self.by_design and bool(self.audit)

    @property
    def judges_nothing(self) -> bool:
        """Whether all pairs are made without a judgment."""
        return self.by_design and not self.audit

    def token_difference(self, slice_of: object = None) -> int | None:
        """The most that the sides of a prompt may differ; ``slice_of``: what its metadata says."""
        most = self.max_token_difference
        if most is None or isinstance(most, int):
            return most
        name = slice_of if isinstance(slice_of, str) else str(slice_of)
        return most.get(name, most.get(OTHER_SLICES))


def why_not_designed(rules: PairingRules) -> str | None:
    """What keeps ``rules`` of `delta` from making pairs without a judgment of each."""
    strong, weak = rules.writers("chosen_from"), rules.writers("rejected_from")
    if strong is None or weak is None:
        return (
            "`strategy: delta` takes chosen from strong writers and rejected from weak ones: name "
            "them in `chosen_from` and `rejected_from`"
        )
    if both := sorted(strong & weak):
        return f"`{both[0]}` is in `chosen_from` and in `rejected_from`: name it in one of them"
    if (rules.pairs_per_prompt or 1) > 1:
        return "`strategy: delta` makes one pair of a prompt: leave out `pairs_per_prompt`"
    return _unjudged(rules)


def _unjudged(rules: PairingRules) -> str | None:
    for name in ("min_margin", "min_chosen_score", "max_error"):
        if getattr(rules, name):
            return (
                f"`{name}` looks at the scores of each pair, and those of `strategy: delta` are "
                "not judged: leave it out, or judge all prompts with another strategy"
            )
    if not rules.audit and rules.stop_below is not None:
        return (
            "`stop_below` goes by the audit, and `audit: 0` judges nothing: leave it out, or audit "
            "a share of the prompts"
        )
    if rules.best is not None and rules.best.by == "margin":
        return "pairs of `strategy: delta` have no margin of their own: `best` goes by confidence"
    unmeasured = [name for name in ("min_confidence", "best") if getattr(rules, name)]
    if not rules.audit and unmeasured:
        return (
            f"with `audit: 0` no confidence is measured, so `{unmeasured[0]}` has nothing to go "
            "by: leave it out, or audit a share of the prompts"
        )
    return None


class HasTier(Protocol):
    """A judge, as far as a cascade sorts it."""

    @property
    def tier(self) -> int: ...


def first_tier(judges: Iterable[HasTier]) -> int:
    """The tier that is always asked; 1 where there is no judge."""
    return min((judge.tier for judge in judges), default=1)


class CascadeRules(Record):
    """When enough has been asked about a prompt, and how much that may cost."""

    target_confidence: float = Field(default=0.9, gt=0.5, le=1.0)
    """Nothing more is asked about a prompt once this probability is reached."""
    of: Literal["best", "pair"] = "best"
    """Of what: that chosen is the best completion, or that it is better than rejected."""
    max_calls_per_completion: float | None = Field(default=None, gt=0, le=1e6)
    """Over all judges, as a mean over the completions of a prompt."""
    max_usd_per_prompt: float | None = Field(default=None, ge=0, le=1e9)
    """For judging one prompt, and for what is sampled in doubt (`sampling.more_in_doubt`); nothing
    more is asked about it beyond."""
    min_gain: float = Field(default=0.005, ge=0, le=1)
    """The least gain in that probability that a call must promise, for the price of a judgment of
    the first tier that has another judge than reward models: where judges cannot tell, asking more
    of them is not worth it."""
