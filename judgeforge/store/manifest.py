"""What ``manifest.json`` says of a run, as every reader and the one writer see it.

Fields are in the order of the file. What an earlier version did not write has a default; what a
later one adds is kept as it is. Only what was set is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = 1

Json = Mapping[str, Any]


class Part(BaseModel):
    """A block of the manifest; unknown keys are kept: a later version may have written them."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, defer_build=True)


class Calls(Part):
    paid: int
    cached: int


class Tokens(Part):
    input: int
    output: int


class Totals(Part):
    prompts: int
    pairs: int
    skips: Mapping[str, int]
    """Prompts by the reason for which they have no pair."""
    calls: Calls
    tokens: Tokens
    cost_usd: float | None
    """None once a call of unknown price was paid."""


class Input(Part):
    rows: int
    """Those to be done; ``read`` also counts the ones that ``--limit`` left out."""
    read: int | None = None
    fingerprint: str | None = None

    @property
    def all_rows(self) -> int:
        return self.rows if self.read is None else self.read


class JudgingTotals(Part):
    """What was asked of the judges, and what a cascade saved."""

    judgments: int = 0
    by_tier: Mapping[str, int] = {}
    by_judge: Mapping[str, int] = {}
    certain: int = 0
    """Those that are always asked, with or without a cascade."""
    asking_everybody: int = 0
    """How many judgments it would have taken to ask every judge everything."""
    saved_usd: float | None = None
    """None where a price is unknown."""


class ExpectedWrong(Part):
    by_confidence: float | None = None
    by_p_best: float | None = None
    tied: float | None = None
    """Share of pairs whose sides are equally good, which is not in ``by_confidence``."""


class LabelSmoothing(Part):
    """The mean probability that a pair is wrong, and the interval in which the share of wrong pairs
    lies with 95 % if the confidences hold."""

    value: float
    low: float
    high: float


class ConfidenceBar(Part):
    from_: float = Field(validation_alias="from", serialization_alias="from")
    to: float
    pairs: int


class LengthQuality(Part):
    chosen_longer: float | None = None
    same_length: float | None = None
    explained_by_correlation: float | None = None
    score_length_correlation: float | None = None
    longer_scores_higher: float | None = None


class ModelPairs(Part):
    chosen: str
    rejected: str
    pairs: int


class Quality(Part):
    """What the files of the run say of its pairs. Shares and probabilities are 0 to 1; None where
    nothing is known."""

    verified_pairs: int | None = None
    """Those that code alone decided; None where there are none, and in earlier versions."""
    expected_wrong: ExpectedWrong = ExpectedWrong()
    label_smoothing: LabelSmoothing | None = None
    confidence_histogram: tuple[ConfidenceBar, ...] = ()
    length: LengthQuality = LengthQuality()
    models: tuple[ModelPairs, ...] = ()
    suspicious_completions: Mapping[str, int] = {}


class GivenFamily(Part):
    """A family of models in rows whose two sides are of different ones."""

    family: str
    rows: int
    labelled: int
    """Rows whose label prefers it."""
    judged: int
    """Rows whose verdict does."""


class Flip(Part):
    prompt_id: str
    probability: float
    """That the side that was rejected is the better one."""


class GivenLabels(Part):
    """How the verdicts compare with the labels of a preference set that was judged anew.

    Shares are 0 to 1; None where there is nothing to take a share of.
    """

    rows: int
    """Prompts that brought both sides."""
    judged: int
    agree: int
    flipped: int
    tied: int
    surely_flipped: int
    """With a probability of at least 0.9."""
    expected_right: float | None = None
    """Share of the labels that are expected to be right."""
    labelled_longer: float | None = None
    """Of rows whose sides differ in length, those whose label prefers the longer one."""
    judged_longer: float | None = None
    flips_from_longer: float | None = None
    """Of the flipped rows, those whose label had preferred the longer side."""
    families: tuple[GivenFamily, ...] = ()
    surest_flips: tuple[Flip, ...] = ()
    """The surest first, at most 50."""


class AuditFigure(Part):
    """Pairs by design of two writers (of all where both are empty) that were judged, as
    ``ranking.pairing.audit`` has them."""

    chosen_model: str = ""
    rejected_model: str = ""
    pairs: int
    better: float
    tie: float
    low: float
    high: float


class BatchTotals(Part):
    """What was answered in batches, over all starts, as far as the log goes."""

    batches: int
    replies: int
    cost_usd: float | None = None
    directly_usd: float | None = None
    """What the same replies would have cost at the usual price; None where a price is unknown."""

    @property
    def saved_usd(self) -> float | None:
        known = self.cost_usd is not None and self.directly_usd is not None
        return (self.directly_usd or 0.0) - (self.cost_usd or 0.0) if known else None


class ReplicaTotals(Part):
    """How one of the servers of a model did, over all starts, as far as the log goes."""

    address: str
    requests: int
    replies: int
    failures: Mapping[str, int] = {}
    """Requests without a reply, by HTTP status or by kind."""
    outages: int = 0
    """How often it was out of order, and for how many seconds in all."""
    out_of_order_s: float = 0.0
    is_out_of_order: bool = False
    """At the end of the log."""


class Manifest(Part):
    format_version: int
    status: str
    message: str | None = None
    updated_at: str | None = None
    totals: Totals
    last_run: Totals | None = None
    reliability: Json | None = None
    """Of the judges, as the version that fitted it describes them."""
    calibration: Json | None = None
    created_at: str | None = None
    started_at: str | None = None
    judgeforge_version: str | None = None
    versions: Mapping[str, str] = {}
    config: Json = {}
    """As the version that ran it knew it."""
    rubric: Json = {}
    criteria: Mapping[str, str] = {}
    """What the rubric has judges ask, by criterion."""
    faults: tuple[str, ...] = ()
    """Criteria of the rubric that count against an answer."""
    identity: Json = {}
    """What must be the same for a run to go on."""
    prompt_layout: int = 1
    """Of what judges were sent (see ``judging.layout``); folders made before it know none."""
    input: Input | None = None
    prices: Mapping[str, Json | None] = {}
    judging: JudgingTotals | None = None
    reply_forms: Mapping[str, str] = {}
    """Model -> the `structured` that its judgments were asked with, where it was left to find out
    and is not the usual one."""
    judgments: Json | None = None
    """Made elsewhere: the file's name, its rows by judge, its digest; None where none is named."""
    own_family_judgments: Mapping[str, int] = {}
    """Judge -> judgments that saw a completion of its own model family."""
    batches: BatchTotals | None = None
    replicas: Mapping[str, tuple[ReplicaTotals, ...]] = {}
    """By model, of those that are asked at several servers."""
    quality: Quality | None = None
    audit: tuple[AuditFigure, ...] = ()
    """Of pairs by design: how often they are right, all of them first, then by writers."""
    given_labels: GivenLabels | None = None
    """None where rows brought no labels of their own."""
    written: Mapping[str, int] = {}
    """Bytes of each file of results, as its run left it."""

    @property
    def unfinished(self) -> int:
        """Prompts that a start has yet to end: as pairs, or as a named skip."""
        return max(0, self.input.rows - self.totals.prompts) if self.input else 0

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
