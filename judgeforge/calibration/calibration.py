"""What labels have shown of a panel of judges: the file that ``judgeforge calibrate`` writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field, JsonValue

from judgeforge.calibration.labels import Agreement, LabelKind
from judgeforge.calibration.thresholds import Threshold, certified_threshold, expected_threshold
from judgeforge.calibration.weights import Correction
from judgeforge.ranking.confidence_map import ConfidenceMap, calibrated_ranking
from judgeforge.ranking.pairing.selection import Trust
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import PairingRules
from judgeforge.text.messages import Record, SparseRecord

FORMAT_VERSION: Literal[1] = 1


class LabelResult(Record):
    """How one labelled prompt came out, by a fit that had not seen its label."""

    prompt_id: str
    probability: float = Field(ge=0, le=1)
    """Calibrated, of the completion that was thought the best."""
    cautious: float = Field(ge=0, le=1)
    """The same, lowered by its own uncertainty."""
    right: float = Field(ge=0, le=1)
    """What people say of that completion; a tie of two is a half."""
    blind_probability: float = Field(ge=0, le=1)
    """As the posterior has it whose judges were fitted without any label."""
    blind_right: float = Field(ge=0, le=1)
    tie: float = Field(default=0.0, ge=0, le=1)
    """P(both are equally good), calibrated, where two completions are labelled."""
    tied: bool = False
    """Whether people see a tie; it is not a wrong pair."""


class Instrument(SparseRecord):
    """The judges' reliability and what their posterior's probabilities are worth."""

    only_where_set = frozenset({"differing"})

    reliability: Reliability
    confidence: ConfidenceMap
    ties: ConfidenceMap | None = None
    """The same for P(both are equally good); None where the labels do not tell."""
    decided: ConfidenceMap | None = None
    """As ``confidence``, of two of which one is better: in older files only."""
    differing: ConfidenceMap | None = None
    """Of two of which one is better, from what is said without labels (``trusted_outcome``); None
    in older files, and where the order of pairs must follow from ``confidence`` alone, as for a
    certificate."""


class Calibration(Record):
    """What labels have shown of a panel of judges, for ``apply`` and ``trust``.

    ``model_dump_json`` writes it, and ``model_validate_json`` reads it again.
    """

    format_version: Literal[1] = FORMAT_VERSION
    of: LabelKind
    """What the labels say, and so what is promised: chosen is the best, or better than rejected."""
    labelled: Instrument = Field(repr=False)
    """Fitted with the labels."""
    blind: Instrument = Field(repr=False)
    """Judges fitted on the same judgments without labels: what a certificate is about."""
    corrections: tuple[Correction, ...] = ()
    results: tuple[LabelResult, ...] = Field(repr=False)
    people: Agreement | None = None
    """How far people agree with each other, where the labels of several are known."""
    fingerprint: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Of judges, prompts and rubric; empty where judgments came from elsewhere."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Short: it holds each label, and a notebook shows what a cell ends with."""
        return [("labels", self.labels), *super().__repr_args__()]

    @property
    def labels(self) -> int:
        """How many labelled prompts it rests on."""
        return len(self.results)

    def instrument(self, rules: PairingRules | None = None) -> Instrument:
        """What pairs by these rules are judged with.

        A certificate needs an order of pairs that no label has touched.
        """
        if rules and rules.max_error is not None and rules.guarantee == "certified":
            return self.blind
        return self.labelled

    def threshold(self, rules: PairingRules) -> Threshold:
        """From which calibrated probability on a pair is kept by these rules."""
        if rules.max_error is None:
            return Threshold(least=0.0, share_kept=1.0)
        if rules.guarantee == "expected":
            return expected_threshold(
                np.array([one.probability for one in self.results]),
                # A tie is a half of ``cautious`` and not wrong.
                np.array([min(1.0, one.cautious + one.tie / 2.0) for one in self.results]),
                rules.max_error,
            )
        found = certified_threshold(
            np.array([one.blind_probability for one in self.results]),
            np.array([1.0 if one.tied else one.blind_right for one in self.results]),
            rules.max_error,
            rules.delta,
        )
        least = self.blind.confidence(found.least)
        return Threshold(least, found.share_kept, found.tested_from)

    def trust(self, rules: PairingRules) -> Trust:
        """What ``select_pairs`` needs to know of this."""
        instrument = self.instrument(rules)
        return Trust(
            of=self.of,
            confidence=instrument.confidence if self.of == "pair" else None,
            ties=instrument.ties,
            decided=instrument.decided if self.of == "pair" else None,
            differing=instrument.differing if self.of == "pair" else None,
            least=None if rules.max_error is None else self.threshold(rules).least,
            max_error=rules.max_error,
        )

    def apply(self, ranking: Ranking, rules: PairingRules | None = None) -> Ranking:
        """A ranking by ``instrument(rules).reliability`` with calibrated ``p_best``.

        Labels on two completions tell nothing of which of many is the best.
        """
        if self.of == "pair" and len(ranking.completion_ids) > 2:
            return ranking
        return calibrated_ranking(ranking, self.instrument(rules).confidence)
