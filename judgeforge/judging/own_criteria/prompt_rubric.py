"""Criteria of one prompt's own + the rubric of all prompts -> the rubric of this prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pydantic import Field

from judgeforge.config.rubric import PerPrompt
from judgeforge.config.run import RunConfig
from judgeforge.judging.own_criteria.reading import OwnCriteria, read_criteria
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.records import Prompt, RubricId
from judgeforge.store.own_criteria import KeptCriteria

NO_RUBRIC = "own"
"""The name of the rubric where none is shared."""
_OWN = ".own"
_LONGEST_NAME = 64


class PromptRubric(Rubric):
    """The criteria of all prompts first, then those of one."""

    all_prompts: Rubric = Field(exclude=True)

    @property
    def shared(self) -> Rubric:
        return self.all_prompts

    @cached_property
    def own(self) -> Sequence[Criterion]:
        known = self.all_prompts.weights
        return [one for one in self.criteria if one.name not in known]

    def separately(self) -> list[Rubric]:
        alone = bare(self.all_prompts)
        parts = [_joined(alone, [one]) for one in self.own if one.check is None]
        return [*self.all_prompts.separately(), *parts]


def bare(rubric: Rubric) -> Rubric:
    """Name, version and guidance of a rubric without its criteria."""
    return Rubric.model_construct(
        name=rubric.name, version=rubric.version, guidance=rubric.guidance, criteria=[]
    )


def no_rubric() -> Rubric:
    """What is shared where the configuration names no rubric."""
    return Rubric.model_construct(name=NO_RUBRIC, version=1, guidance="", criteria=[])


@dataclass(frozen=True, eq=False)
class OwnRubrics:
    """What rows' own criteria mean in a run."""

    rubric: Rubric
    """As the configuration names it."""
    mode: PerPrompt
    are_written: bool = False
    """Whether a model writes those of rows that have none."""
    by_code_alone: bool = False
    """Whether nobody can be asked, so that code has to decide each criterion of a row's."""

    @classmethod
    def of(cls, rubric: Rubric, config: RunConfig) -> OwnRubrics | None:
        """None where prompts have no criteria of their own."""
        parts, judging = config.rubric_parts, config.judging
        if parts.per_prompt is None:
            return None
        written = parts.write is not None
        asks = judging.judges or judging.judgments is not None or config.only_samples
        return cls(rubric, parts.per_prompt, written, by_code_alone=not (asks or written))

    @property
    def leave_to_judges(self) -> bool:
        """Whether there can be criteria for a judge."""
        return bool(self.shared.judged) or not self.by_code_alone

    @cached_property
    def shared(self) -> Rubric:
        """What every prompt is judged by."""
        return self.rubric if self.mode == "add" else bare(self.rubric)

    @property
    def taken(self) -> frozenset[str]:
        """Names that no criterion of a prompt's own can have."""
        return frozenset(self.shared.weights)

    @property
    def are_needed(self) -> bool:
        """Whether a prompt without criteria of its own cannot be judged."""
        return self.mode == "only" and not self.are_written

    def read(self, value: object) -> OwnCriteria | None:
        """As ``read_criteria``, beside the criteria of all prompts."""
        found = read_criteria(value, taken=self.taken)
        asked = [one.name for one in found.criteria if one.check is None] if found else []
        if asked and self.by_code_alone:
            raise ValueError(
                f"`{asked[0]}` is for a judge, and none is named: add `judging.judges`, or state "
                "it as a `check`"
            )
        if found and not asked and not self.shared.judged:
            return OwnCriteria(found.criteria, judges_can_decide=False)
        return found

    def with_own(self, own: Sequence[Criterion]) -> Rubric:
        """The rubric itself where there are none."""
        return _joined(self.shared, own) if own else self.shared

    def of_row(self, prompt: Prompt) -> Rubric:
        """By what the row brings alone."""
        return _rubric_of(self, prompt.criteria) if prompt.criteria else self.shared

    def of_kept(self, kept: str) -> Rubric:
        """By what ``KeptCriteria`` holds."""
        return _rubric_of(self, json.dumps(KeptCriteria.model_validate_json(kept).criteria))

    def identity_of(self, kept: str | None) -> RubricId:
        """For the provenance of pairs."""
        return (self.shared if kept is None else self.of_kept(kept)).identity


@lru_cache(maxsize=512)
def _rubric_of(rubrics: OwnRubrics, text: str) -> Rubric:
    found = rubrics.read(text)
    return rubrics.with_own(() if found is None else found.criteria)


def _joined(shared: Rubric, own: Sequence[Criterion]) -> PromptRubric:
    named = f"{shared.name[: _LONGEST_NAME - len(_OWN)]}{_OWN}"
    return PromptRubric(
        name=named if shared.name != NO_RUBRIC else NO_RUBRIC,
        version=shared.version,
        guidance=shared.guidance,
        criteria=[*shared.criteria, *own],
        all_prompts=shared,
    )
