"""Criteria verified by code: exact evidence, free of charge, and sometimes all that is needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from judgeforge.judging.checks import (
    Check,
    Result,
    check_results,
    parse_checks_of_row,
    tasks_of,
)
from judgeforge.judging.checks.programs import Task, Verdict
from judgeforge.judging.checks.subject import Subject, UndecidedCheckError
from judgeforge.judging.judge import Missing
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.ranking.protocols import CODE
from judgeforge.records import Completion, Judgment, Prompt

JUDGE_NAME = CODE
_LONGEST_SAID = 2000
"""Characters of what programs said, in one rationale."""


def tasks_for(rubric: Rubric, prompt: Prompt, completion: Completion) -> list[Task]:
    """What programs are to find out before ``run_checks``, each once."""
    subject, tasks = _subject(prompt, completion), list[Task]()
    for criterion in rubric.checked:
        try:
            tasks += tasks_of(_checks_of(criterion, prompt), subject)
        except ValueError:
            continue  # told by ``run_checks``
    return list(dict.fromkeys(tasks))


def run_checks(
    rubric: Rubric,
    prompt: Prompt,
    completion: Completion,
    verdicts: Mapping[Task, Verdict] | None = None,
    *,
    without: Collection[str] = (),
) -> Judgment | None:
    """One judgment over all checked criteria but ``without``; None where there are none.

    A criterion's score is the mean of its checks, which pass (1) or fail (0) but for functions of
    the user's. A row without the metadata that a criterion takes its checks from leaves nothing to
    verify and passes it. Where one check cannot be decided, or the metadata contains no checks,
    the whole judgment is missing. ``verdicts``: of all ``tasks_for`` these arguments.
    """
    checked = [criterion for criterion in rubric.checked if criterion.name not in without]
    if not checked:
        return None
    blank = _blank(prompt, completion, checked)
    subject = _subject(prompt, completion)
    results: list[tuple[Criterion, list[Result]]] = []
    for criterion in checked:
        try:
            found = check_results(_checks_of(criterion, prompt), subject, verdicts or {})
        except (ValueError, UndecidedCheckError) as error:
            missing = Missing("undecided", str(error)).of_criterion(criterion.name)
            return blank.model_copy(update=missing.fields())
        results.append((criterion, found))
    criteria = {one.name: _mean(found) for one, found in results}
    failed_required = [one.name for one, found in results if one.required and _failed(found)]
    return blank.model_copy(
        update={
            "criteria": criteria,
            "score": rubric.weighted_mean(criteria),
            "failed_required": tuple(failed_required),
            "rationale": _rationale([one for _, found in results for one in found]),
        }
    )


def deciding(rubric: Rubric, prompt: Prompt) -> frozenset[str]:
    """Names of the criteria that decide about this prompt, without a judge where they can."""
    return frozenset(
        one.name for one in rubric.checked if one.decides_alone and _has_checks(one, prompt)
    )


def is_settled(judgments: Sequence[Judgment]) -> bool:
    """Whether no judge need be asked about a prompt that has ``deciding`` criteria: each of its
    answers is verified, or two are that differ (the others stay undecided, and are left out).

    ``judgments``: those by checks.
    """
    scores = [one.score for one in judgments if one.missing is None and one.score is not None]
    return bool(scores) and (len(scores) == len(judgments) or len(set(scores)) > 1)


def left_to_judges(
    judgments: Sequence[Judgment], rest: Sequence[Judgment | None], names: Collection[str]
) -> list[Judgment]:
    """The judgments by checks of a prompt that its verifiers could not settle.

    ``judgments``: with all criteria; ``rest``: without those of ``names``, None where none is left.
    What verifiers found stays as a veto where their criterion is required, and in words.
    """
    return [
        _left(one, other, ", ".join(sorted(names)))
        for one, other in zip(judgments, rest, strict=True)
    ]


def _left(one: Judgment, rest: Judgment | None, names: str) -> Judgment:
    note = f"left to the judges: {names} ({one.missing or one.rationale})"
    if rest is not None:
        vetoes = tuple(dict.fromkeys([*rest.failed_required, *one.failed_required]))
        return rest.model_copy(update={"failed_required": vetoes, "note": note})
    missing = Missing("left_to_judges", note).fields()
    return one.model_copy(update={**missing, "criteria": {}, "score": None, "rationale": None})


def _blank(prompt: Prompt, completion: Completion, checked: Sequence[Criterion]) -> Judgment:
    return Judgment(
        id=f"{completion.id}.{JUDGE_NAME}",
        prompt_id=prompt.id,
        completion_ids=(completion.id,),
        judge=JUDGE_NAME,
        protocol="checks",
        weight=sum(criterion.size for criterion in checked),
    )


def _subject(prompt: Prompt, completion: Completion) -> Subject:
    return Subject(
        completion.text,
        prompt.reference,
        completion.tool_calls,
        prompt.metadata,
        prompt.messages,
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
        return parse_checks_of_row(wanted)
    except ValueError as error:
        raise ValueError(f"the row's metadata `{key}`: {error}") from error


def _has_checks(criterion: Criterion, prompt: Prompt) -> bool:
    """A row may leave out the checks that a criterion takes from it."""
    key = criterion.metadata_key
    return key is None or bool(prompt.metadata.get(key))


def _mean(results: Sequence[Result]) -> float:
    return 1.0 - sum(1.0 - one.score for one in results) / len(results) if results else 1.0


def _failed(results: Sequence[Result]) -> bool:
    return any(one.score < 1.0 for one in results)


def _rationale(results: Sequence[Result]) -> str:
    """What failed, or that all passed; and what programs said of it."""
    failed = [one for one in results if one.score < 1.0]
    if failed:
        named = dict.fromkeys(map(str, failed))  # a row may repeat a check of the rubric
        text = f"failed: {'; '.join(named)}"
    else:
        said = dict.fromkeys(f"{one.check.name}: {one.said}" for one in results if one.said)
        text = "; ".join(["all checks passed", *said])
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}…"
