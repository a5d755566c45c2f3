"""A reward model gives one number to a conversation that ends with the completion.

It was trained on preferences and never sees the rubric, the reference or the thought before an
answer: only the turns, as its own chat template writes them. Its numbers are compared within a
prompt (ranking/rewards.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import ModelReply, RewardRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import UnsuitedRequestError
from judgeforge.judging.judge import blank_judgment, call_failure
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.protocols.in_numbers import asked_once
from judgeforge.judging.protocols.pointwise import single_questions
from judgeforge.judging.replies.rewards import read_reward
from judgeforge.judging.rubric import Rubric
from judgeforge.ranking.rewards import BRADLEY_TERRY_SD
from judgeforge.records import Completion, Judgment, Prompt, Question


class RewardJudge:
    def __init__(
        self,
        judge: JudgeConfig,
        rubric: Rubric,
        gateway: Asks,
        *,
        layout: Layout = NEWEST_LAYOUT,  # noqa: ARG002 (it reads a conversation, not a prompt)
    ) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return single_questions(self._judge, completion_ids, repeat)

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        (completion_id,) = question.completion_ids
        blank = blank_judgment(prompt, question, self._judge, self._rubric)
        if prompt.tools:
            reason = "the prompt offers tools, which a reward model is not told of"
            unsuited = UnsuitedRequestError(reason, model=self._judge.model)
            return blank.model_copy(update=call_failure(unsuited).fields())
        request = RewardRequest((*prompt.messages, completions[completion_id].message()))
        return await asked_once(self._gateway, self._judge, request, blank, self._evidence)

    def _evidence(self, reply: ModelReply) -> dict[str, Any]:
        stated = BRADLEY_TERRY_SD if self._judge.bradley_terry else None
        return {"rewards": (read_reward(reply.rewards),), "reward_sd": stated}
