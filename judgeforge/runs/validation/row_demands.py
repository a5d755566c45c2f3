"""What a configuration asks of every row, of prompts and of labels, for `inputs` to check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from judgeforge.config.run import RunConfig
from judgeforge.inputs.row_checks import RowChecks
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_prompts import OwnPrompt
from judgeforge.judging.rubric import Rubric
from judgeforge.runs.validation.judge_settings import judged_tokens
from judgeforge.runs.validation.model_settings import without_pictures, without_tools
from judgeforge.runs.validation.verifiers import read_own_criteria, read_row_checks


def label_checks(config: RunConfig, rubric: Rubric) -> RowChecks:
    """Of rows with labels: they bring what is judged, and nothing is sampled."""
    return replace(
        row_checks(config.model_copy(update={"sampling": None}), rubric),
        read_criteria=None,
        needs_criteria=False,
        reference_check=None,
        metadata_checks=(),
    )


def row_checks(
    config: RunConfig, rubric: Rubric | None, own_prompts: Mapping[str, OwnPrompt] | None = None
) -> RowChecks:
    """``rubric`` None: it cannot be read, and rows are checked without it."""
    own = None if rubric is None else OwnRubrics.of(rubric, config)
    checked = (rubric if own is None else own.shared).checked if rubric else ()
    asks = bool(rubric and (rubric.judged or own is not None) and config.judging.judges)
    # What verifiers leave undecided for lack of a reference, judges decide.
    stated = [
        check
        for criterion in checked
        if not (asks and criterion.decides_alone)
        for check in criterion.own_checks
    ]
    sampled = [config.models[name] for name in config.sampling.writers] if config.sampling else []
    known = [model.context_tokens for model in sampled if model.context_tokens]
    return RowChecks(
        context_tokens=min(known, default=None),
        output_tokens=config.sampling.max_tokens if config.sampling else 0,
        judged_tokens=judged_tokens(config, rubric, own_prompts or {}) if rubric else None,
        needs_completions=config.sampling is None,
        adds_completions=config.sampling is not None and config.sampling.add_to_ready > 0,
        metadata_checks=tuple(one.metadata_key for one in checked if one.metadata_key),
        read_checks=read_row_checks,
        reference_check=next((check.name for check in stated if check.needs_reference), None),
        read_criteria=None if own is None else partial(read_own_criteria, own),
        needs_criteria=own is not None and own.are_needed,
        without_tools=without_tools(config),
        without_pictures=without_pictures(config),
    )
