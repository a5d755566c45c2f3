"""A reward model gives one number to a conversation that ends with the completion.

It was trained on preferences and never sees the rubric, the reference or the thought before an
answer: only the turns, as its own chat template writes them. Its numbers are compared within a
prompt (ranking/rewards.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from judgeforge.calls.call import Answer, Asks
from judgeforge.calls.input_read import is_a_context
from judgeforge.calls.providers.base import RewardRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import CallError, UnsuitedRequestError
from judgeforge.judging.judge import (
    Missing,
    blank_judgment,
    call_failure,
    cut_prompt_note,
    input_cut,
    reading_failure,
)
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.protocols.pointwise import single_questions
from judgeforge.judging.replies.json_object import UnreadableReplyError
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
        try:
            request = self._request(prompt, completions[completion_id])
            answer = await self._gateway.ask(self._judge.model, request, sample=question.repeat)
        except CallError as error:
            if error.stops_run:
                raise
            return blank.model_copy(update=call_failure(error).fields())
        return blank.model_copy(update=self._fields(request, answer))

    def _request(self, prompt: Prompt, completion: Completion) -> RewardRequest:
        """Raises UnsuitedRequestError for a prompt that offers tools: the request names none."""
        if prompt.tools:
            raise UnsuitedRequestError(
                "the prompt offers tools, which a reward model is not told of",
                model=self._judge.model,
            )
        return RewardRequest((*prompt.messages, completion.message()))

    def _fields(self, request: RewardRequest, answer: Answer) -> dict[str, Any]:
        tokens = answer.input_tokens_read(request)
        is_cut = tokens is not None and is_a_context(tokens)
        return {
            "call": answer.key,
            "cost_usd": answer.cost_usd,
            "answered_model": answer.answered_model,
            "input_tokens_read": tokens,
            "note": None if tokens is None else cut_prompt_note(tokens, None),
            **(input_cut(tokens).fields() if is_cut and tokens else self._evidence(answer)),
        }

    def _evidence(self, answer: Answer) -> dict[str, Any]:
        try:
            reward = read_reward(answer.reply.rewards)
        except UnreadableReplyError as error:
            return Missing("unread", str(error)).fields()
        except Exception as error:  # noqa: BLE001 (named in the judgment, which is then missing)
            return reading_failure(error).fields()
        stated = BRADLEY_TERRY_SD if self._judge.bradley_terry else None
        return {"rewards": (reward,), "reward_sd": stated}
