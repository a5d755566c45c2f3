"""OpenAI decisions (``POST /v1/decisions``), and the gateways that speak them."""

from __future__ import annotations

from pydantic import BaseModel

from judgeforge.calls.providers.base import (
    Body,
    DecisionAnswer,
    DecisionQuestion,
    ModelReply,
    ModelRequest,
    Usage,
    decisions_only,
)
from judgeforge.calls.providers.decision_server import WHAT, DecisionServer
from judgeforge.calls.providers.replies import Count, parsed, read_usage
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


class _InputDetails(BaseModel):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class _Usage(BaseModel):
    input_tokens: Count = None
    output_tokens: Count = 0.0
    """Decision models write nothing, so some servers do not count it."""
    input_tokens_details: _InputDetails | None = None


class _Reply(BaseModel):
    answers: list[_Answer]
    model: str | None = None
    usage: _Usage | None = None


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
        answers = tuple(_read(answer) for answer in reply.answers)
        return ModelReply("", "stop", _usage(reply.usage), model=reply.model, decisions=answers)


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


def _usage(used: _Usage | None) -> Usage | None:
    if used is None:
        return None
    inputs = used.input_tokens_details or _InputDetails()
    return read_usage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cached=inputs.cached_tokens,
        written=inputs.cache_write_tokens,
    )
