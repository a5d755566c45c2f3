"""The work on prompts where there are workers: the first prompts here, all others with them."""

from __future__ import annotations

from dataclasses import dataclass

from judgeforge.calls.money.claims import Claim, current_claim
from judgeforge.judging.escalation import OnceKnown
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt, Prompt
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

    async def judge(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool = False
    ) -> JudgedPrompt | FinishedPrompt:
        stays = self.fit.learns_from(prompt.id) or not self.first.are_over
        if stays or not self.workers.are_ready:
            return await self.here.judge(prompt, reliability, is_measured=is_measured)
        self.workers.begin()
        sampled = tuple(self.here.sampled_before(prompt))
        try:
            return await self.workers.take(prompt, current_claim() or Claim(), sampled)
        except NoWorkersError:
            return await self.here.judge(prompt, reliability, is_measured=is_measured)

    def conclude(self, judged: JudgedPrompt, reliability: Reliability) -> FinishedPrompt:
        return self.here.conclude(judged, reliability)
