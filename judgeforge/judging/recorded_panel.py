"""A panel that has been asked everything already: it answers from its judgments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from judgeforge.calls.no_calls import NoCalls
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.panel import Panel
from judgeforge.judging_config import JudgeConfig
from judgeforge.records import Completion, Judgment, Prompt, Question
from judgeforge.rubric import Rubric


class RecordedPanel(Panel):
    """Shows what a cascade would have asked. Nothing is sent, and nothing in it waits."""

    def __init__(
        self,
        judges: Sequence[JudgeConfig],
        rubric: Rubric,
        judgments: Iterable[Judgment],
        own_family: OwnFamily | None = None,
    ) -> None:
        super().__init__(judges, rubric, NoCalls(), own_family)
        self._judgments = {
            (one.prompt_id, one.judge, one.completion_ids, one.repeat): one for one in judgments
        }

    async def ask(
        self, prompt: Prompt, completions: Sequence[Completion], questions: Sequence[Question]
    ) -> list[Judgment]:
        """Raises KeyError for a question that was not asked."""
        del completions
        return [
            self._judgments[prompt.id, one.judge, one.completion_ids, one.repeat]
            for one in questions
        ]
