"""What the labels given so far have shown: how many pairs a promise of few errors would keep. Pure.

It is what `judgeforge calibrate` would find on the same labels, from the judgments that the run has
already: each label is predicted by a fit that has not seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.fit import fit_calibration
from judgeforge.calibration.labels import LEAST_LABELS, Label, LabelKind
from judgeforge.calibration.weights import Labelled
from judgeforge.ranking.evidence import read_evidence
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment
from judgeforge.runs.labelling.label_line import Given
from judgeforge.text.wording import counted

USUAL_ERROR = 0.05
"""Where the configuration asks for no `max_error`."""


@dataclass(frozen=True, slots=True)
class Standing:
    labels: int
    """Those that count: a person preferred one, or saw a tie."""
    judged: int
    """Those of completions that judges have compared."""
    max_error: float
    certified: bool
    kept: float | None = None
    """Share of such pairs that would be kept; None where too few labels are judged."""
    right: float | None = None
    """Share of the labels that the judges get right, as far as they were judged."""

    def in_words(self) -> str:
        labels = counted(self.labels, "label")
        if not self.labels:
            return "No label yet."
        if not self.judged:
            return f"{labels}. No judge has compared these answers yet."
        if self.judged < self.labels:
            labels = f"{labels} ({self.judged} of them judged)"
        if self.kept is None:
            return f"{labels}: from {LEAST_LABELS} on, this line says what they promise."
        promise = f"at most {100 * self.max_error:.3g} % wrong"
        surely = "certified: " if self.certified else ""
        if self.kept <= 0:
            return f"{labels}: {surely}{promise} cannot be promised of any pair yet."
        return f"{labels}: {surely}{promise} keeps {100 * self.kept:.0f} % of such pairs."


def rules_of(pairing: PairingRules | None, max_error: float | None = None) -> PairingRules:
    """What is promised: as the configuration asks, or the usual share of errors."""
    rules = pairing or PairingRules()
    wanted = max_error or rules.max_error or USUAL_ERROR
    return rules.model_copy(update={"max_error": wanted})


def labelled(given: Given, judgments: Sequence[Judgment], texts: dict[str, str]) -> Labelled | None:
    """None where it is not a label, or where fewer than all that were shown are judged.

    ``texts``: of all completions of the prompt. Two are measured among the others.
    """
    if not given.is_label:
        return None
    shown = given.shown
    ids = [*shown, *(one for one in texts if one not in shown)] if len(shown) == 2 else shown
    evidence = read_evidence(judgments, ids, texts=texts)
    if not set(shown) <= set(evidence.completion_ids) or not _says_anything(judgments, given):
        return None
    vetoes = (one for one in judgments if one.failed_required)
    return Labelled(evidence, _label(given), tuple(v for v in vetoes if v.completion_ids[0] in ids))


def _label(given: Given) -> Label:
    best, shown = given.preferred, given.shown
    if best is None:
        return Label.tie(given.prompt_id, shown)
    parts = {name: float(name == best) for name in shown}
    return Label(prompt_id=given.prompt_id, parts=parts)


def _says_anything(judgments: Sequence[Judgment], given: Given) -> bool:
    return any(set(one.completion_ids) & set(given.shown) for one in judgments if not one.missing)


def standing(
    labels: int, judged: Sequence[Labelled], rules: PairingRules, kind: LabelKind
) -> Standing:
    """``labels``: how many there are, ``judged`` or not."""
    max_error = rules.max_error or USUAL_ERROR
    certified = rules.guarantee == "certified"
    found = Standing(labels, len(judged), max_error, certified)
    if len(judged) < LEAST_LABELS:
        return found
    calibration = fit_calibration(judged, of=kind)
    kept = calibration.threshold(rules).share_kept
    return Standing(labels, len(judged), max_error, certified, kept, _right(calibration))


def _right(calibration: Calibration) -> float:
    return sum(one.right for one in calibration.results) / calibration.labels
