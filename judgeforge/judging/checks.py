"""Criteria verified by code: exact evidence, free of charge."""

from __future__ import annotations

from typing import Any

from judgeforge.judging.check_registry import FROM_METADATA, passes, validate_check
from judgeforge.records import Completion, Judgment, Prompt
from judgeforge.rubric import Criterion, Rubric

JUDGE_NAME = "checks"


def run_checks(rubric: Rubric, prompt: Prompt, completion: Completion) -> Judgment | None:
    """One judgment over all checked criteria; None where the rubric has none.

    A criterion's score is the share of its checks that pass. A row without the metadata that a
    criterion takes its checks from leaves nothing to verify and passes it.
    """
    if not rubric.checked:
        return None
    criteria: dict[str, float] = {}
    missing: str | None = None
    failed: list[str] = []
    for criterion in rubric.checked:
        try:
            wanted = _checks(criterion, prompt)
        except ValueError as error:
            missing = f"criterion `{criterion.name}`: metadata of the row: {error}"
            break
        failures = [n for n, argument in wanted.items() if not passes(completion.text, n, argument)]
        criteria[criterion.name] = 1.0 - len(failures) / len(wanted) if wanted else 1.0
        failed += [f"{name}: {wanted[name]}" for name in failures]
    weight = sum(criterion.weight for criterion in rubric.checked)
    judgment: dict[str, Any] = {
        "id": f"{completion.id}.{JUDGE_NAME}",
        "prompt_id": prompt.id,
        "completion_ids": (completion.id,),
        "judge": JUDGE_NAME,
        "protocol": "checks",
        "weight": weight,
    }
    if missing is not None:
        return Judgment(**judgment, missing=missing)
    score = sum(c.weight * criteria[c.name] for c in rubric.checked) / weight
    rationale = f"failed: {'; '.join(failed)}" if failed else "all checks passed"
    return Judgment(**judgment, criteria=criteria, score=score, rationale=rationale)


def _checks(criterion: Criterion, prompt: Prompt) -> dict[str, Any]:
    check = criterion.check or {}
    if FROM_METADATA not in check:
        return dict(check)
    wanted = prompt.metadata.get(check[FROM_METADATA], {})
    if not isinstance(wanted, dict):
        raise ValueError(f"`{check[FROM_METADATA]}` must be an object of checks")
    if wanted:
        validate_check(wanted)
    return dict(wanted)
