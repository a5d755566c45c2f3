"""System One decisions (``POST /v1/systemone``): vLLM, Ollama, llama.cpp and hosted servers."""

from __future__ import annotations

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


class _Answer(BaseModel):
    """A part of it that cannot be read is absent, and costs no other."""

    noul: Beside[float] = None
    score: Beside[float] = None
    choice: Any = None
    probabilities: Beside[dict[str, Beside[float]]] = None


class _Reply(DecisionReply):
    answers: dict[str, _Answer]


class SystemOne(DecisionServer):
    endpoint = "/systemone"

    def body(self, model: ModelConfig, request: ModelRequest) -> Body:
        asked = decisions_only(request)
        return {
            "model": model.model,
            # Some servers take a string only.
            "state": "\n\n".join(message.text for message in asked.messages),
            "questions": {question.name: _question(question) for question in asked.questions},
            **model.passed_on,
        }

    def read(self, raw: bytes) -> ModelReply:
        reply = parsed(_Reply, raw, what=WHAT)
        return reply.with_answers(_read(name, each) for name, each in reply.answers.items())


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
    told = {option: p for option, p in (answer.probabilities or {}).items() if p is not None}
    return DecisionAnswer(
        name, probabilities=yes or told, position=answer.score, choice=label_of(answer.choice)
    )
