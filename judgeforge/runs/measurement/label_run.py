"""Asks all judges of a configuration about labelled prompts, and replays its cascade over them.

It is a run, with the same door, cache, budget, log and resume, in a folder under
``.judgeforge/labels`` that belongs to these labels and these judges; the results are read back from
there. A promise is about pairs as a run makes them: where a cascade stops early, a prompt has less
evidence than a panel gives that was asked everything.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from judgeforge.calibration.fit import AsAsked
from judgeforge.config.run import PromptsConfig, RunConfig
from judgeforge.judging.panel import RecordedPanel
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import PairingRules
from judgeforge.records import Judgment, RubricId
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.measurement.label_rows import LabelFile, LabelledPrompt, as_row
from judgeforge.runs.preparation.calibration_file import fingerprint
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.progress import Progress
from judgeforge.runs.run import run_folder
from judgeforge.runs.work_parts import build_escalation
from judgeforge.sampling.sampling import ready_completions, usable
from judgeforge.store.atomic_files import make_folder, replacing
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_log, read_records, read_rows
from judgeforge.store.own_criteria import FIELD

_DIGITS = 12


@dataclass(frozen=True, slots=True)
class JudgedLabels:
    rows: tuple[LabelledPrompt, ...]
    """Those with at least two judged completions, the labelled ones among them."""
    judgments: Mapping[str, Sequence[Judgment]]
    """By prompt id, of ``rows`` only."""
    latencies: Mapping[str, float]
    """Median seconds of a sent call, by judge."""
    unjudged: int
    folder: Path
    paid_usd: float | None
    """By this start; the rest was paid earlier."""
    own_criteria: Mapping[str, str] = field(default_factory=dict)
    """By prompt id: those of its own that it was judged by, as a run keeps them."""

    @property
    def texts(self) -> dict[str, str]:
        return {name: text for row in self.rows for name, text in row.texts.items()}


def judge_labels(
    config: RunConfig,
    rubric: RubricId,
    labels: LabelFile,
    *,
    on_progress: Callable[[Progress], None] | None = None,
) -> JudgedLabels:
    """Raises what stops a run: BudgetExhaustedError, CallError, InterruptedRunError, StoreError."""
    folder = _folder(config, rubric, labels)
    file = folder / "labelled-prompts.jsonl"
    _write_prompts(file, labels.rows)
    result = run_folder(_without_the_rest(config, file), folder / "run", on_progress=on_progress)
    if result.stopped_by is not None:
        raise result.stopped_by
    judgments: dict[str, list[Judgment]] = defaultdict(list)
    for judgment in read_records(RunFolder(result.folder).judgments, Judgment):
        judgments[judgment.prompt_id].append(judgment)
    rows = tuple(row for row in labels.rows if _is_judged(row, judgments[row.prompt.id]))
    return JudgedLabels(
        rows=rows,
        judgments={row.prompt.id: judgments[row.prompt.id] for row in rows},
        latencies=_latencies(config, RunFolder(result.folder).log),
        unjudged=len(labels.rows) - len(rows),
        folder=folder,
        paid_usd=0.0 if result.did_nothing else result.manifest["last_run"]["cost_usd"],
        own_criteria=_own_criteria(config, RunFolder(result.folder)),
    )


def _own_criteria(config: RunConfig, folder: RunFolder) -> dict[str, str]:
    if config.rubric_parts.per_prompt is None:
        return {}
    rows = (row for file in (folder.pairs, folder.skips) for row in read_rows(file))
    return {str(row["prompt_id"]): str(row[FIELD]) for row in rows if row.get(FIELD)}


def _without_the_rest(config: RunConfig, prompts: Path) -> RunConfig:
    """Ready completions, every judge of every tier, and no rule that would leave a pair out."""
    judging = config.judging.model_copy(
        update={"cascade": None, "calibration": None, "fit_repeats": 0}
    )
    return config.model_copy(
        update={
            "prompts": PromptsConfig(path=prompts),
            "sampling": None,
            "judging": judging,
            "pairing": PairingRules(reject_suspicious=config.pairing.reject_suspicious),
            "on_finish": None,
        }
    )


def _folder(config: RunConfig, rubric: RubricId, labels: LabelFile) -> Path:
    """Other judges or labels have another folder; what stays the same comes from the cache."""
    rows = [as_row(row) for row in labels.rows]
    content = json.dumps([fingerprint(config, rubric), rows], sort_keys=True)
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    return config.folder / ".judgeforge" / "labels" / digest[:_DIGITS]


def _write_prompts(file: Path, rows: Sequence[LabelledPrompt]) -> None:
    make_folder(file.parent, mode=0o700)
    with replacing(file) as target:
        for row in rows:
            target.write(json.dumps(as_row(row), ensure_ascii=False).encode() + b"\n")


def _is_judged(row: LabelledPrompt, judgments: Sequence[Judgment]) -> bool:
    judged = {i for one in judgments if not one.missing for i in one.completion_ids}
    return len(judged) > 1 and row.label.parts.keys() <= judged


def _latencies(config: RunConfig, log: Path) -> dict[str, float]:
    seconds: dict[str, list[float]] = defaultdict(list)
    for row in read_log(log):
        if row.get("event") == "call" and row.get("output_tokens") is not None:
            seconds[row["model"]].append(row["latency_s"])
    return {
        judge.label: median(seconds[judge.model])
        for judge in config.judging.judges
        if seconds[judge.model]
    }


T = TypeVar("T")


def cascade_replay(prepared: Preparation, judged: JudgedLabels) -> AsAsked | None:
    """None where every judge is asked everything."""
    judgments = [one for judgments in judged.judgments.values() for one in judgments]
    panel, own = prepared.panel(RecordedPanel, judgments), prepared.own_rubrics
    escalation = build_escalation(prepared, panel, Estimator(prepared))
    if escalation is None:
        return None
    rows: Mapping[str, LabelledPrompt] = {row.prompt.id: row for row in judged.rows}

    def as_asked(prompt_id: str, reliability: Reliability) -> Evidence:
        async def known() -> Reliability:
            return reliability

        row = rows[prompt_id]
        completions = usable(ready_completions(row.prompt))
        kept = judged.own_criteria.get(prompt_id)
        by = None if own is None or kept is None else panel.by(own.of_kept(kept))
        judgments = _result(escalation.judge(row.prompt, completions, known, panel=by))
        return read_evidence(judgments, [one.id for one in completions], texts=row.texts)

    return as_asked


def _result(coroutine: Coroutine[Any, Any, T]) -> T:
    """Of a coroutine that never waits; this also works inside a running event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise AssertionError("recorded judgments are there at once")
