"""The work on prompts where there are workers: the first prompts here, all others with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from judgeforge.calls.money.claims import Claim, current_claim
from judgeforge.judging.escalation import OnceKnown
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt, Prompt
from judgeforge.runs.cluster.crew import is_equal
from judgeforge.runs.cluster.workers import NoWorkersError, Workers
from judgeforge.runs.first_prompts import FirstPrompts
from judgeforge.runs.fit import RunFit
from judgeforge.runs.prompt_work import PromptWork, TakesThrough
from judgeforge.store.finished_prompt import FinishedPrompt


@dataclass(slots=True)
class HandedOut(TakesThrough):
    """In place of ``PromptWork``. What judges are learnt from is judged in this process, and so is
    what shows whether they can be read: that does not depend on how many workers there are."""

    here: PromptWork
    workers: Workers
    first: FirstPrompts
    fit: RunFit
    has_equal: bool
    """See ``Crew``."""
    _staying: list[Prompt] = field(default_factory=list)
    """What is under way in this process."""

    async def judge(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool = False
    ) -> JudgedPrompt | FinishedPrompt:
        stays = self.fit.learns_from(prompt.id) or not self.first.are_over
        if stays or not await self.workers.are_ready_soon() or self._has_equal_here(prompt):
            return await self._judge_here(prompt, reliability, is_measured=is_measured)
        self.workers.begin()
        sampled = tuple(self.here.sampled_before(prompt))
        try:
            return await self.workers.take(prompt, current_claim() or Claim(), sampled)
        except NoWorkersError:
            return await self._judge_here(prompt, reliability, is_measured=is_measured)

    async def _judge_here(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool
    ) -> JudgedPrompt | FinishedPrompt:
        self._staying.append(prompt)
        try:
            return await self.here.judge(prompt, reliability, is_measured=is_measured)
        finally:
            self._staying.remove(prompt)

    def _has_equal_here(self, prompt: Prompt) -> bool:
        return self.has_equal and any(is_equal(prompt, other) for other in self._staying)

    def conclude(self, judged: JudgedPrompt, reliability: Reliability) -> FinishedPrompt:
        return self.here.conclude(judged, reliability)
