"""A judge that answers each prompt itself before it judges the answers of others.

It answers once: the request is the same for all its questions about a prompt, and in every start.
Where no answer comes (a refusal, a cut, a call that failed), it judges without one and its
judgments say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import ChatRequest
from judgeforge.config.judges import JudgeConfig
from judgeforge.errors import CallError
from judgeforge.records import Prompt

_MOST_KEPT = 256
"""Prompts whose answer is held; of others it comes from the cache again."""


@dataclass(frozen=True, slots=True)
class Answered:
    text: str | None
    """None where no answer came."""
    made_by: tuple[str, float | None] | None = None
    """Key and cost of the call."""
    problem: str | None = None


class OwnAnswers:
    """Of one judge."""

    def __init__(self, judge: JudgeConfig, asks: Asks) -> None:
        self._judge, self._asks = judge, asks
        self._known: dict[str, Answered] = {}

    async def of(self, prompt: Prompt) -> Answered:
        """Raises CallError where that stops the run."""
        if prompt.id not in self._known:
            answered = await self._answer(prompt)
            if len(self._known) >= _MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[prompt.id] = answered
        return self._known[prompt.id]

    async def _answer(self, prompt: Prompt) -> Answered:
        try:
            request = own_answer_request(self._judge, prompt)
            answer = await self._asks.ask(self._judge.model, request)
        except CallError as error:
            if error.stops_run:
                raise
            return Answered(None, problem=f"no answer of its own: {error}")
        made_by = answer.key, answer.cost_usd
        text, finish = answer.reply.text.strip(), answer.reply.finish
        if finish == "length":
            problem = f"its own answer was cut at max_tokens = {self._judge.max_tokens}"
            return Answered(None, made_by, f"{problem}, so it was not used")
        if finish in {"refusal", "content_filter", "failed"} or not text:
            return Answered(None, made_by, f"no answer of its own ({finish})")
        return Answered(text, made_by)


def own_answer_request(judge: JudgeConfig, prompt: Prompt) -> ChatRequest:
    """At temperature 0 in all rounds: it is one answer, not one of several."""
    return ChatRequest(messages=prompt.messages, max_tokens=judge.max_tokens, temperature=0.0)
