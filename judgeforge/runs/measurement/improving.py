"""`judgeforge rubric improve`: what labels show of a rubric's criteria, and of their weights."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from judgeforge.calibration.criteria import CriteriaReport, ScoredPrompt, judge_criteria
from judgeforge.calibration.labels import LEAST_LABELS
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError, InputError
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Judgment
from judgeforge.runs.measurement.calibrating import (
    label_notes,
    labels_apart,
    prepare_measurement,
)
from judgeforge.runs.measurement.label_rows import LabelledPrompt
from judgeforge.runs.measurement.label_run import JudgedLabels, judge_labels
from judgeforge.runs.progress import Progress
from judgeforge.store.atomic_files import make_folder, replacing
from judgeforge.text.wording import counted, listed

OWN = "criteria of the prompts' own"
"""Counted as one: each prompt has others."""


@dataclass(frozen=True, slots=True)
class ImprovementReport:
    criteria: CriteriaReport
    notes: tuple[str, ...]
    out: Path | None = None
    """Where the rubric with the suggested weights was written; None where none was."""


def improve_rubric(
    config: RunConfig,
    labels: Path,
    *,
    out: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ImprovementReport:
    """Raises ConfigError, InputError and what stops a run."""
    prepared = prepare_measurement(config)
    if out is not None and out.exists():
        raise ConfigError(f"{out} is there already, and nothing is replaced; give another --out")
    read = labels_apart(prepared, labels)
    judged = judge_labels(config, prepared.rubric.identity, read, on_progress=on_progress)
    own = prepared.own_rubrics
    rubric = prepared.rubric if own is None else own.shared
    scored = list(_scored(judged, rubric, own))
    if not any(scores for one in scored for scores in one.scores.values()):
        raise InputError(
            f"{labels}: no judge says anything of single criteria. Judges with `protocol: "
            "pointwise` or `decisions` do, and with `pairwise` those with `criteria: separate`."
        )
    found = judge_criteria(scored, _weights(judged, rubric, own))
    notes = [*_notes(found), *label_notes(read, judged), *_silent(judged)]
    if out is None:
        return ImprovementReport(found, tuple(notes))
    if not found.supported:
        notes.append(f"{out} was not written: the labels support no other weights")
        return ImprovementReport(found, tuple(notes))
    gone = [one.name for one in found.criteria if one.suggested == 0]
    if gone:
        notes.append(f"{out} lacks {listed(gone, mark='`')}: the labels give no weight to it")
    _write(out, rubric, found)
    return ImprovementReport(found, tuple(notes), out)


def _weights(judged: JudgedLabels, rubric: Rubric, own: OwnRubrics | None) -> dict[str, float]:
    """Of the rubric; of the prompts' own criteria what they weigh together in the mean."""
    found = {one.name: one.weight for one in rubric.criteria}
    if own is None or not judged.own_criteria:
        return found
    sizes = [
        sum(one.size for one in own.of_kept(text).own) for text in judged.own_criteria.values()
    ]
    return {**found, OWN: float(f"{sum(sizes) / len(sizes):.2g}")}


def _scored(judged: JudgedLabels, rubric: Rubric, own: OwnRubrics | None) -> Iterator[ScoredPrompt]:
    for row in judged.rows:
        prompt_id = row.prompt.id
        mine = rubric
        if own is not None and (text := judged.own_criteria.get(prompt_id)):
            mine = own.of_kept(text)
        scores = _by_completion(judged.judgments[prompt_id], row, mine)
        yield ScoredPrompt(row.label, {name: _as_one(s, mine) for name, s in scores.items()})


def _by_completion(
    judgments: Sequence[Judgment], row: LabelledPrompt, rubric: Rubric
) -> Mapping[str, Mapping[str, float]]:
    """Completion -> criterion -> mean over judges and rounds, the higher the better."""
    said: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in row.texts}
    for one in judgments:
        for name, score in one.criteria.items():
            if len(one.completion_ids) == 2:  # from 0, the second is better, to 1, the first is
                first, second = one.completion_ids
                said[first][name].append(score)
                said[second][name].append(1.0 - score)
            elif one.completion_ids[0] in said:
                good = 1.0 - score if name in rubric.faults else score
                said[one.completion_ids[0]][name].append(good)
    judged = {name for one in judgments if not one.missing for name in one.completion_ids}
    return {
        completion: {name: sum(each) / len(each) for name, each in by_name.items()}
        for completion, by_name in said.items()
        if completion in judged
    }


def _as_one(scores: Mapping[str, float], rubric: Rubric) -> Mapping[str, float]:
    """With the criteria of the prompt's own put together by their weights."""
    own = {one.name: one.size for one in rubric.own if one.name in scores}
    if not own:
        return scores
    rest = {name: score for name, score in scores.items() if name not in own}
    total = sum(own.values())
    return {**rest, OWN: sum(size * scores[name] for name, size in own.items()) / total}


def _notes(found: CriteriaReport) -> Iterator[str]:
    if found.prompts < LEAST_LABELS:
        yield (
            f"{counted(found.prompts, 'label')} with a preference: too few to know what criteria "
            f"should weigh (from {LEAST_LABELS} on), and too few to call any criterion useless"
        )
    elif found.gain is None:
        yield "fewer than two criteria differ, so there are no weights to compare"
    elif not found.supported:
        yield (
            "the labels do not show that other weights are better: what is suggested follows them "
            "and may be chance, so keep the rubric's"
        )
    if len(found.criteria) > 1:
        yield (
            f"each interval holds with 95 % by itself; of {len(found.criteria)} one may be off by "
            "chance"
        )


def _silent(judged: JudgedLabels) -> Iterator[str]:
    told = {one.judge for each in judged.judgments.values() for one in each if one.criteria}
    asked = {one.judge for each in judged.judgments.values() for one in each if not one.missing}
    for judge in sorted(asked - told):
        yield f"judge `{judge}` says nothing of single criteria, so it counts for nothing here"


def _write(out: Path, rubric: Rubric, found: CriteriaReport) -> None:
    suggested = {one.name: one.suggested for one in found.criteria if one.suggested is not None}
    content = json.loads(rubric.model_dump_json(exclude_defaults=True))
    content["version"] = rubric.version + 1
    kept = []
    for criterion in content["criteria"]:
        weight = suggested.get(criterion["name"], criterion.get("weight", 1.0))
        if weight:  # one that labels give no weight at all is left out
            kept.append({"name": criterion["name"], "weight": weight, **_rest(criterion)})
    make_folder(out.parent)
    with replacing(out) as file:
        text = yaml.safe_dump({**content, "criteria": kept}, sort_keys=False, allow_unicode=True)
        file.write(text.encode())


def _rest(criterion: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in criterion.items() if key not in {"name", "weight"}}
