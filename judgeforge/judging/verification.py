"""Criteria verified by code: exact evidence, free of charge."""

from __future__ import annotations

from judgeforge.judging.checks import Check, failed_checks, parse_checks
from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.judging.judge import Missing
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.records import Completion, Judgment, Prompt

JUDGE_NAME = "checks"


def run_checks(rubric: Rubric, prompt: Prompt, completion: Completion) -> Judgment | None:
    """One judgment over all checked criteria; None where the rubric has none.

    A criterion's score is the share of its checks that pass. A row without the metadata that a
    criterion takes its checks from leaves nothing to verify and passes it. Where one check cannot
    be decided, or the metadata contains no checks, the whole judgment is missing.
    """
    if not rubric.checked:
        return None
    blank = Judgment(
        id=f"{completion.id}.{JUDGE_NAME}",
        prompt_id=prompt.id,
        completion_ids=(completion.id,),
        judge=JUDGE_NAME,
        protocol="checks",
        weight=sum(criterion.size for criterion in rubric.checked),
    )
    subject = Subject(completion.text, prompt.reference, completion.tool_calls)
    criteria: dict[str, float] = {}
    failed: list[Check] = []
    failed_required: list[str] = []
    for criterion in rubric.checked:
        try:
            checks = _checks_of(criterion, prompt)
            failures = failed_checks(checks, subject)
        except (ValueError, UndecidedCheckError) as error:
            missing = Missing("undecided", str(error)).of_criterion(criterion.name)
            return blank.model_copy(update=missing.fields())
        criteria[criterion.name] = 1.0 - len(failures) / len(checks) if checks else 1.0
        failed += failures
        if failures and criterion.required:
            failed_required.append(criterion.name)
    score = rubric.weighted_mean(criteria)
    named = dict.fromkeys(map(str, failed))  # a row may repeat a check of the rubric
    rationale = f"failed: {'; '.join(named)}" if named else "all checks passed"
    return blank.model_copy(
        update={
            "criteria": criteria,
            "score": score,
            "failed_required": tuple(failed_required),
            "rationale": rationale,
        }
    )


def _checks_of(criterion: Criterion, prompt: Prompt) -> tuple[Check, ...]:
    """Raises ValueError where the row's metadata contains something other than checks."""
    key = criterion.metadata_key
    if key is None:
        return criterion.own_checks
    wanted = prompt.metadata.get(key)
    if wanted is None or wanted == {}:
        return ()
    try:
        return parse_checks(wanted)
    except ValueError as error:
        raise ValueError(f"the row's metadata `{key}`: {error}") from error
