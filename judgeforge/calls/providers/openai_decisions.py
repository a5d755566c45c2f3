"""OpenAI decisions (``POST /v1/decisions``), and the gateways that speak them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    DecisionAnswer,
    DecisionQuestion,
    ModelReply,
    ModelRequest,
    decisions_only,
)
from judgeforge.calls.providers.decision_server import (
    WHAT,
    DecisionReply,
    DecisionServer,
    label_of,
)
from judgeforge.calls.providers.parsing import parsed
from judgeforge.calls.providers.replies import Beside
from judgeforge.config.model import ModelConfig


class _Probability(BaseModel):
    value: Any = None
    probability: Beside[float] = None


class _Answer(BaseModel):
    """A part of it that cannot be read is absent, and costs no other."""

    type: str
    name: Beside[str] = None
    probability: Beside[float] = None
    probabilities: Beside[list[Beside[_Probability]]] = None
    score: Beside[float] = None
    choice: Any = None


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
        probabilities=dict(_told(answer.probabilities or ())),
        position=answer.score,
        choice=label_of(answer.choice),
    )


def _told(probabilities: Iterable[_Probability | None]) -> Iterator[tuple[str, float]]:
    for each in probabilities:
        label = None if each is None else label_of(each.value)
        if each is not None and label is not None and each.probability is not None:
            yield label, each.probability
