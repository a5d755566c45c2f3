"""System One decisions (``POST /v1/systemone``): vLLM, Ollama, llama.cpp and hosted servers."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, Field

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


class _Answer(BaseModel):
    noul: float | None = None
    score: float | None = None
    choice: str | None = None
    probabilities: dict[str, float] = {}


class _Usage(BaseModel):
    input_tokens: Count = Field(
        default=None, validation_alias=AliasChoices("input_tokens", "prompt_tokens")
    )
    output_tokens: Count = Field(
        default=0.0, validation_alias=AliasChoices("output_tokens", "completion_tokens")
    )


class _Reply(BaseModel):
    answers: dict[str, _Answer]
    model: str | None = None
    usage: _Usage | None = None


class SystemOne(DecisionServer):
    endpoint = "/systemone"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        asked = decisions_only(request)
        return {
            "model": model.model,
            # Some servers take a string only.
            "state": "\n\n".join(message.content for message in asked.messages),
            "questions": {question.name: _question(question) for question in asked.questions},
            **model.passed_on,
        }

    def read(self, raw: bytes) -> ModelReply:
        reply = parsed(_Reply, raw, what=WHAT)
        answers = tuple(_read(name, answer) for name, answer in reply.answers.items())
        return ModelReply("", "stop", _usage(reply.usage), model=reply.model, decisions=answers)


def _question(question: DecisionQuestion) -> Body:
    if question.kind == "yes_no":
        return {"type": "noul", "instructions": question.instructions}
    if question.kind == "levels":
        levels = [text for _, text in question.options]
        return {"type": "score", "instructions": question.instructions, "criteria": levels}
    choices = dict(question.options)
    return {"type": "choice", "instructions": question.instructions, "criteria": choices}


def _read(name: str, answer: _Answer) -> DecisionAnswer:
    yes = {} if answer.noul is None else {"yes": answer.noul}
    return DecisionAnswer(
        name,
        probabilities=yes or answer.probabilities,
        position=answer.score,
        choice=answer.choice,
    )


def _usage(used: _Usage | None) -> Usage | None:
    if used is None:
        return None
    return read_usage(input_tokens=used.input_tokens, output_tokens=used.output_tokens)
