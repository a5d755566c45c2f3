"""The verdicts on one prompt as judgments of its completions, or why they cannot count. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from judgeforge.judging.elsewhere.verdict import Verdict, text_digest
from judgeforge.records import Completion, Judgment
from judgeforge.text.visible import quotable


@dataclass(slots=True)
class Applied:
    judgments: list[Judgment] = field(default_factory=list)
    unused: list[tuple[int, str]] = field(default_factory=list)
    """Line of the file, and why its verdict cannot count."""


def apply_verdicts(
    verdicts: Sequence[Verdict],
    completions: Sequence[Completion],
    judged: Sequence[Completion],
    *,
    weight: float,
    source: str,
) -> Applied:
    """``judged``: those of the ``completions`` that the run judges; one that reads the same as
    another is judged under the name of that. ``weight``: of what judges decide in the rubric.
    ``source``: the name of the file, for the notes of the judgments."""
    applied = Applied()
    by_id, candidates = {one.id: one for one in completions}, {one.id for one in judged}
    for verdict in verdicts:
        names = _names(verdict, by_id)
        problem = _problem(verdict, names, by_id, candidates)
        if problem is not None:
            applied.unused.append((verdict.line, problem))
            continue
        note = f"made elsewhere: {source}:{verdict.line}"
        applied.judgments += verdict.judgments(names, weight, note)
    return applied


def _names(verdict: Verdict, by_id: Mapping[str, Completion]) -> list[str]:
    return [
        (one.duplicate_of or one.id) if (one := by_id.get(name)) is not None else name
        for name in verdict.completion_ids
    ]


def _problem(
    verdict: Verdict,
    names: Sequence[str],
    by_id: Mapping[str, Completion],
    candidates: set[str],
) -> str | None:
    for name, judged_as, digest in zip(verdict.completion_ids, names, verdict.texts, strict=True):
        if name not in by_id:
            return f"the prompt has no completion `{quotable(name)}`"
        if digest is not None and digest != text_digest(by_id[name].text):
            return f"`{quotable(name)}` has another text now than the one that was judged"
        if judged_as not in candidates:
            return f"`{quotable(name)}` is not judged: {', '.join(by_id[name].flags) or 'unusable'}"
    if len(set(names)) < len(names):
        return "two of the completions read the same"
    return None
