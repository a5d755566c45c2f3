"""`judgeforge calibrate`: labels, judged by the configuration's judges, become a calibration."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from judgeforge.calibration.api import calibrate
from judgeforge.calibration.calibration import Calibration
from judgeforge.calibration.labels import ENOUGH_LABELS, TooFewLabelsError, check_number
from judgeforge.calibration.promise import Promise, make_promise, share_kept_by_labels
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.ranking.rules import PairingRules
from judgeforge.runs.measurement.label_rows import LabelFile, read_labels, without_shown
from judgeforge.runs.measurement.label_run import JudgedLabels, cascade_replay, judge_labels
from judgeforge.runs.preparation.calibration_file import check_place, fingerprint, write_figures
from judgeforge.runs.preparation.judge_words import asked_key
from judgeforge.runs.preparation.preparation import Preparation, prepare
from judgeforge.runs.progress import Progress
from judgeforge.store.atomic_files import chosen_place

SHOWN_ERROR = 0.05
"""For the curve, where the configuration asks for no `max_error`."""


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    calibration: Calibration
    out: Path
    in_config: str
    """The same file as the configuration names it: from its own folder."""
    labels: LabelFile
    judged: JudgedLabels
    promises: tuple[Promise, ...]
    """Expected, then certified."""

    @property
    def notes(self) -> tuple[str, ...]:
        asked = self.calibration.fingerprint["asked"]
        if not isinstance(asked, dict) or asked["max_error"] is not None:
            return label_notes(self.labels, self.judged)
        return (
            *label_notes(self.labels, self.judged),
            "with pairing.max_error, which the configuration does not set, a cascade asks other "
            "questions: to have such a promise, set it and calibrate again",
        )


def calibrate_config(
    config: RunConfig,
    labels: Path,
    out: Path,
    *,
    allow_negative: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> CalibrationReport:
    """Raises ConfigError, InputError (also for too few labels) and what stops a run."""
    prepared = prepare_measurement(config)
    check_place(out, Calibration)
    read = labels_apart(prepared, labels, among_others=True)
    _check_number(labels, len(read.rows))
    rubric = prepared.rubric.identity
    judged = judge_labels(config, rubric, read, on_progress=on_progress)
    _check_number(labels, len(judged.rows))
    found = calibrate(
        list(judged.judgments.values()),
        [row.label for row in judged.rows],
        of=read.kind,
        texts=judged.texts,
        allow_negative=allow_negative,
        as_asked=cascade_replay(prepared, judged),
    ).model_copy(update={"people": read.people, "fingerprint": fingerprint(config, rubric)})
    with chosen_place(out):
        write_figures(out, found)
    in_config = os.path.relpath(out, config.folder)
    return CalibrationReport(found, out, in_config, read, judged, _promises(found, config.pairing))


def prepare_measurement(config: RunConfig) -> Preparation:
    """Checked as a run that samples nothing and has no calibration yet."""
    judging = config.judging.model_copy(update={"calibration": None})
    pairing = config.pairing.model_copy(update={"max_error": None})
    bare = config.model_copy(update={"judging": judging, "pairing": pairing, "sampling": None})
    if not config.judging.judges:
        others = "what code checks needs no measure"
        if config.judging.judgments is not None:
            others = "judgments made elsewhere are measured by `judgeforge.evaluate` in Python"
        raise ConfigError(
            f"no judge is named, so there is none to measure: name one ({others})",
            file=config.source_file,
            key="judging.judges",
        )
    return replace(prepare(bare), config=config)


def labels_apart(prepared: Preparation, file: Path, *, among_others: bool = False) -> LabelFile:
    """The labels that judges may be measured on. Raises InputError where none is left."""
    labels = read_labels(file, prepared.row_checks, among_others=among_others)
    shown = {key for own in prepared.own_prompts.values() for key in own.shown}
    if not shown:
        return labels
    found = without_shown(labels, lambda prompt: asked_key(prompt) in shown)
    if not found.rows:
        raise InputError(
            f"{file}: all of its labels are examples that the judges are shown. Measure them on "
            "others, or show fewer (`examples: {number: …}`)."
        )
    return found


def label_notes(labels: LabelFile, judged: JudgedLabels) -> tuple[str, ...]:
    """What a reader must know about the labels that count."""
    notes = [skip.detail for skip in labels.skips]
    if labels.shown:
        notes.append(f"{labels.shown} labels are left out: the judges are shown them as examples")
    if labels.unsure:
        notes.append(f"{labels.unsure} rows are left out: their person could not tell")
    if labels.second_looks:
        notes.append(
            f"{labels.second_looks} second looks are left out: the first answer is the label"
        )
    if judged.unjudged:
        notes.append(f"{judged.unjudged} labels are left out: their completions were not judged")
    if len(judged.rows) < ENOUGH_LABELS:
        notes.append(
            f"{len(judged.rows)} labels are few; from {ENOUGH_LABELS} on figures begin to be stable"
        )
    if labels.people is not None:
        notes.append(labels.people.in_words())
    return tuple(notes)


def _check_number(file: Path, number: int) -> None:
    try:
        check_number(number)
    except TooFewLabelsError as error:
        raise InputError(f"{file}: {error}") from None


def _promises(calibration: Calibration, rules: PairingRules) -> tuple[Promise, ...]:
    wanted = rules.max_error or SHOWN_ERROR
    curve = share_kept_by_labels(calibration, wanted, rules.delta)
    promises = (
        make_promise(
            calibration,
            rules.model_copy(update={"max_error": wanted, "guarantee": guarantee}),
            curve,
        )
        for guarantee in ("expected", "certified")
    )
    return tuple(promise for promise in promises if promise is not None)
