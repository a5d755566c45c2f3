"""OpenAI decisions (``POST /v1/decisions``), and the gateways that speak them."""

from __future__ import annotations

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    DecisionAnswer,
    DecisionQuestion,
    ModelReply,
    ModelRequest,
    decisions_only,
)
from judgeforge.calls.providers.decision_server import WHAT, DecisionReply, DecisionServer
from judgeforge.calls.providers.parsing import parsed
from judgeforge.config.model import ModelConfig


class _Probability(BaseModel):
    value: bool | int | str
    probability: float


class _Answer(BaseModel):
    type: str
    name: str | None = None
    probability: float | None = None
    probabilities: list[_Probability] = []
    score: float | None = None
    choice: bool | str | None = None


class _Reply(DecisionReply):
    answers: list[_Answer]


class OpenAIDecisions(DecisionServer):
    endpoint = "/decisions"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        asked = decisions_only(request)
        return {
            "model": model.model,
            "input": [message.model_dump() for message in asked.messages],
            "questions": [_question(question) for question in asked.questions],
            **model.passed_on,
        }

    def read(self, raw: bytes) -> ModelReply:
        reply = parsed(_Reply, raw, what=WHAT)
        return reply.with_answers(_read(answer) for answer in reply.answers)


def _question(question: DecisionQuestion) -> Body:
    plain = {"name": question.name, "instructions": question.instructions}
    if question.kind == "yes_no":
        return {"type": "predicate", **plain}
    if question.kind == "levels":
        levels = [{"label": label, "description": text} for label, text in question.options]
        return {"type": "score", **plain, "levels": levels}
    choices = [{"value": value, "description": text} for value, text in question.options]
    return {"type": "choice", **plain, "choices": choices}


def _read(answer: _Answer) -> DecisionAnswer:
    if answer.type == "predicate":
        yes = {} if answer.probability is None else {"yes": answer.probability}
        return DecisionAnswer(answer.name, probabilities=yes)
    return DecisionAnswer(
        answer.name,
        refused=answer.type == "refusal",
        probabilities={str(each.value): each.probability for each in answer.probabilities},
        position=answer.score,
        choice=None if answer.choice is None else str(answer.choice),
    )
