"""The criteria of a prompt's own on its way through a run: those of its row, or written ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from judgeforge.calls.call import Asks
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_criteria.writing import CriteriaWriter, NotWrittenError
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Prompt
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.store.own_criteria import KeptCriteria


@dataclass(frozen=True, slots=True)
class PromptsOwn:
    """What one prompt is judged by."""

    rubric: Rubric
    kept: str | None = None
    """The criteria of its own, as a run keeps them; None where it has none."""
    problem: str | None = None
    """Why they could not be written."""


@dataclass(frozen=True, slots=True)
class OwnCriteriaWork:
    rubrics: OwnRubrics
    writer: CriteriaWriter | None = None
    """Writes those of prompts whose rows bring none."""

    @classmethod
    def of_run(cls, prepared: Preparation, asks: Asks) -> OwnCriteriaWork | None:
        """None where prompts have no criteria of their own."""
        rubrics, config = prepared.own_rubrics, prepared.config
        write = config.rubric_parts.write
        if rubrics is None:
            return None
        if write is None:
            return cls(rubrics)
        return cls(rubrics, CriteriaWriter(write, config.models[write.model], rubrics, asks))

    def waits_for_answers(self, prompt: Prompt) -> bool:
        """Whether the criteria are written with answers in view."""
        writes = self.writer is not None and prompt.criteria is None
        return writes and self.writer is not None and self.writer.config.contrast

    async def of(self, prompt: Prompt, answers: Sequence[Completion] = ()) -> PromptsOwn:
        """``answers``: those that may be shown to the writer. Raises CallError where that stops the
        run."""
        if prompt.criteria is not None:
            kept = KeptCriteria(criteria=json.loads(prompt.criteria))
        elif self.writer is None:
            return PromptsOwn(self.rubrics.shared)
        else:
            try:
                kept = await self.writer.write(prompt, answers)
            except NotWrittenError as error:
                return PromptsOwn(self.rubrics.shared, problem=str(error))
        return PromptsOwn(self.rubrics.of_kept(kept.text), kept.text)
