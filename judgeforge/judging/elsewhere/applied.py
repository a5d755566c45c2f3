"""The verdicts on one prompt as judgments of its completions, or why they cannot count. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from judgeforge.judging.elsewhere.file import Verdicts
from judgeforge.judging.elsewhere.verdict import Verdict, text_digest
from judgeforge.records import Completion, Judgment, Prompt
from judgeforge.text.visible import quotable

Unused = Callable[[int, str], None]
"""Told of a verdict that cannot count: the line of its file, and why."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    verdicts: Verdicts
    weight: float
    """Of what judges decide in the rubric."""
    unused: Unused = lambda _, __: None

    def about(
        self, prompt: Prompt, completions: Sequence[Completion], judged: Sequence[Completion]
    ) -> list[Judgment]:
        """In the order of the file. ``judged``: those of the ``completions`` that the run judges;
        one that reads the same as another is judged under the name of that."""
        found: list[Judgment] = []
        for verdict, names, problem in self._looked_at(prompt, completions, judged):
            if problem is None:
                note = f"made elsewhere: {self.verdicts.file.name}:{verdict.line}"
                found += verdict.judgments(names, self.weight, note)
        return found

    def tell_unused(
        self, prompt: Prompt, completions: Sequence[Completion], judged: Sequence[Completion]
    ) -> None:
        """Once the prompt has all its completions."""
        for verdict, _, problem in self._looked_at(prompt, completions, judged):
            if problem is not None:
                self.unused(verdict.line, problem)

    def _looked_at(
        self, prompt: Prompt, completions: Sequence[Completion], judged: Sequence[Completion]
    ) -> Iterator[tuple[Verdict, list[str], str | None]]:
        """Each verdict, the names of what it is about, and why it cannot count."""
        by_id, candidates = {one.id: one for one in completions}, {one.id for one in judged}
        for verdict in self.verdicts.of_prompt(prompt.id):
            names = _names(verdict, by_id)
            yield verdict, names, _problem(verdict, names, by_id, candidates)


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
