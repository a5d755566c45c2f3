"""`judgeforge evaluate`: how good the judges of a configuration are, against labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from judgeforge.calibration.evaluation.api import evaluate
from judgeforge.calibration.evaluation.evaluation import Comparison, Evaluation, compare
from judgeforge.config.run import RunConfig
from judgeforge.errors import InputError
from judgeforge.runs.measurement.calibrating import (
    label_notes,
    labels_apart,
    prepare_measurement,
)
from judgeforge.runs.measurement.label_run import cascade_replay, judge_labels
from judgeforge.runs.preparation.calibration_file import (
    check_place,
    load_calibration,
    write_figures,
)
from judgeforge.runs.progress import Progress
from judgeforge.store.atomic_files import chosen_place
from judgeforge.text.wording import counted


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    evaluation: Evaluation
    comparison: Comparison | None
    notes: tuple[str, ...]


def evaluate_config(
    config: RunConfig,
    labels: Path,
    *,
    against: Path | None = None,
    out: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> EvaluationReport:
    """The panel ranks as a run would: with `judging.calibration` where the configuration names one,
    for a certificate with what is assumed of the judges without labels.

    Raises ConfigError, InputError and what stops a run.
    """
    before = None if against is None else _read(against)
    if out is not None:
        check_place(out, Evaluation)
    prepared = prepare_measurement(config)
    rubric = prepared.rubric.identity
    calibration = load_calibration(config, rubric)
    read = labels_apart(prepared, labels)
    judged = judge_labels(config, rubric, read, on_progress=on_progress)
    if not judged.rows:
        raise InputError(f"{labels}: no labelled completion was judged; see {judged.folder}/run")
    evaluation = evaluate(
        list(judged.judgments.values()),
        [row.label for row in judged.rows],
        calibration=calibration,
        rules=config.pairing,
        of=read.kind,
        texts=judged.texts,
        latencies=judged.latencies,
        as_asked=cascade_replay(prepared, judged),
    ).model_copy(update={"people": read.people})
    if out is not None:
        with chosen_place(out):
            write_figures(out, evaluation)
    notes = [*label_notes(read, judged), evaluation.caution]
    seen = {one.prompt_id for one in calibration.results} if calibration else set()
    if seen & {item.prompt_id for item in evaluation.items}:
        notes.append(
            "the calibration was fitted on some of these labels, so it looks better than it is"
        )
    return EvaluationReport(evaluation, _compared(evaluation, before, against), tuple(notes))


def _compared(
    evaluation: Evaluation, before: Evaluation | None, against: Path | None
) -> Comparison | None:
    if before is None:
        return None
    try:
        return compare(evaluation, before)
    except ValueError as error:
        raise InputError(f"{against}: cannot be compared with: {error}") from None


def _read(file: Path) -> Evaluation:
    try:
        return Evaluation.model_validate_json(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(
            f"{file}: is not what `judgeforge evaluate --out` writes "
            f"({counted(error.error_count(), 'mistake')})"
        ) from error
