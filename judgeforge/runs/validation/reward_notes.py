"""What is told before a run of judges that are reward models: what they never see, from when on
their numbers mean something, and which prompts they are not asked about."""

from __future__ import annotations

from judgeforge.config.run import RunConfig
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Prompt
from judgeforge.text.wording import counted, listed


class RewardNotes:
    """For `check`; nothing without such a judge. ``add`` is given each usable prompt."""

    def __init__(self, config: RunConfig, rubric: Rubric | None) -> None:
        self._judging, self._rubric = config.judging, rubric
        judges = [judge.label for judge in self._judging.judges if judge.facts.rewards]
        self._judges = listed(judges, mark="`") if judges else ""
        self._with_tools = 0

    def add(self, prompt: Prompt) -> None:
        calls = any(turn.tool_calls for turn in prompt.messages)
        self._with_tools += bool(prompt.tools or calls)

    def add_to(self, notes: list[str], warnings: list[str]) -> None:
        if self._judges:
            notes += self._notes()
            warnings += self._warnings()

    def _notes(self) -> list[str]:
        unseen = ["the rubric", "the row's `reference`"]
        if self._rubric is not None and self._rubric.judged:
            criteria = counted(len(self._rubric.judged), "criterion", "criteria")
            unseen[0] = f"the rubric with its {criteria} (they only say what its opinion weighs)"
        if self._judging.show_reasoning:
            unseen.append("thoughts before an answer (`show_reasoning`)")
        sent = (
            f"reward model {self._judges}: it is sent the conversation with one answer and nothing "
            f"else, so it never sees {listed(unseen, len(unseen))}"
        )
        return [sent, *self._scale()]

    def _scale(self) -> list[str]:
        if self._judging.calibration is not None:
            return []
        first = (
            f"the scale of rewards is learnt from the first {self._judging.fit_prompts} prompts; "
            "before that a reward promises nothing"
        )
        if self._judging.cascade is None:
            return [first]
        return [f"{first}, so the cascade asks its other judges about these prompts"]

    def _warnings(self) -> list[str]:
        if not self._with_tools:
            return []
        return [
            f"reward model {self._judges} is not asked about {counted(self._with_tools, 'prompt')} "
            "with tools or tool calls: its judgments of them are missing (`unsuited`)"
        ]
