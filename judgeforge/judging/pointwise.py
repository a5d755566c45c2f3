"""One request judges one completion on all criteria that a judge is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from judgeforge.calls.answer import Answer, Asks
from judgeforge.config import JudgeConfig
from judgeforge.errors import CallError
from judgeforge.judging.json_object import UnreadableReplyError
from judgeforge.judging.judge import judgment_id
from judgeforge.judging.replies import ScoreReply, read_scores, score_schema
from judgeforge.providers.base import ChatRequest, ReplySchema
from judgeforge.records import Completion, Judgment, Message, Prompt, Question
from judgeforge.rubric import Rubric
from judgeforge.templates import pointwise_messages, repair_message


@dataclass(slots=True)
class _Attempt:
    """What came of asking once, with at most one repair."""

    answers: list[Answer] = field(default_factory=list)
    scores: ScoreReply | None = None
    missing: str | None = None

    @property
    def cost_usd(self) -> float | None:
        costs = [answer.cost_usd for answer in self.answers]
        return None if None in costs else sum(cost or 0.0 for cost in costs)


class PointwiseJudge:
    def __init__(self, judge: JudgeConfig, rubric: Rubric, gateway: Asks) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._schema: ReplySchema = score_schema(rubric)
        self._weight = sum(criterion.weight for criterion in rubric.judged)

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return [
            Question(judge=self._judge.label, completion_ids=(one,), repeat=repeat)
            for one in completion_ids
        ]

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        (completion_id,) = question.completion_ids
        text = completions[completion_id].text
        attempt = await self._ask(pointwise_messages(self._rubric, prompt, text), question.repeat)
        scores = attempt.scores
        return Judgment(
            id=judgment_id(prompt.id, question),
            prompt_id=prompt.id,
            completion_ids=question.completion_ids,
            judge=self._judge.label,
            protocol="pointwise",
            repeat=question.repeat,
            criteria=scores.criteria if scores else {},
            score=self._score(scores) if scores else None,
            weight=self._weight,
            rationale=scores.rationale if scores else None,
            call=attempt.answers[-1].key if attempt.answers else None,
            cost_usd=attempt.cost_usd,
            missing=attempt.missing,
        )

    def _score(self, scores: ScoreReply) -> float:
        judged = self._rubric.judged
        return sum(c.weight * scores.criteria[c.name] for c in judged) / self._weight

    async def _ask(self, messages: tuple[Message, ...], repeat: int) -> _Attempt:
        attempt = _Attempt()
        try:
            first = await self._send(messages, repeat, attempt)
            if attempt.missing is not None:
                return attempt
            problem = self._read(first, attempt)
            if problem is None:
                return attempt
            said = Message(role="assistant", content=first.reply.text.strip() or "(empty)")
            second = await self._send((*messages, said, repair_message(problem)), repeat, attempt)
            if attempt.missing is not None:
                return attempt
            problem = self._read(second, attempt)
        except CallError as error:
            if error.stops_run:
                raise
            attempt.missing = f"call failed: {error}"
            return attempt
        if problem is not None:
            attempt.missing = f"unreadable reply, also when asked again: {problem}"
        return attempt

    async def _send(self, messages: tuple[Message, ...], repeat: int, attempt: _Attempt) -> Answer:
        request = ChatRequest(
            messages=messages,
            max_tokens=self._judge.max_tokens,
            temperature=self._judge.asked_temperature,
            reply_schema=self._schema,
        )
        answer = await self._gateway.ask(self._judge.model, request, sample=repeat)
        attempt.answers.append(answer)
        attempt.missing = _no_judgment(answer, self._judge)
        return answer

    def _read(self, answer: Answer, attempt: _Attempt) -> str | None:
        """Keep the scores, or say what is wrong with the reply."""
        try:
            attempt.scores = read_scores(answer.reply.text, self._rubric)
        except UnreadableReplyError as error:
            return str(error)
        return None


def _no_judgment(answer: Answer, judge: JudgeConfig) -> str | None:
    finish = answer.reply.finish
    if finish == "length":
        return (
            f"the judge's reply was cut at max_tokens = {judge.max_tokens}; "
            f"raise `max_tokens` of judge `{judge.label}`"
        )
    if finish == "refusal":
        return f"the judge refused: {answer.reply.text[:200]}"
    if finish == "content_filter":
        return "the provider's content filter withheld the judge's reply"
    return None
