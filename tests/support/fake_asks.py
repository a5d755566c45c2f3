"""A gateway without calls: a function answers, and what was asked is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from judgeforge.calls.call import Answer
from judgeforge.calls.providers.base import ChatRequest, DecisionAnswer, ModelReply
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Finish, Prompt
from judgeforge.text.messages import Message

Replies = Callable[["Asked"], ModelReply | Exception]


@dataclass(frozen=True)
class Asked:
    model: str
    request: ChatRequest
    sample: int


@dataclass
class FakeAsks:
    """Later questions are answered first, so that results cannot follow the order of replies."""

    replies: Replies
    asked: list[Asked] = field(default_factory=list)
    cost_usd: float | None = 0.25

    async def ask(self, model: str, request: ChatRequest, *, sample: int = 0) -> Answer:
        question = Asked(model, request, sample)
        self.asked.append(question)
        number = len(self.asked)
        await asyncio.sleep(0.02 / number)
        reply = self.replies(question)
        if isinstance(reply, Exception):
            raise reply
        return Answer(f"key-{number}", reply, self.cost_usd, cached=False)


def says(text: str, finish: Finish = "stop", reasoning: str | None = None) -> ModelReply:
    return ModelReply(text, finish, None, reasoning=reasoning)


def decides(*answers: DecisionAnswer) -> ModelReply:
    return ModelReply("", "stop", None, decisions=answers)


def in_turn(*replies: ModelReply | Exception) -> Replies:
    """One reply after the other; asking more often than that fails the test."""
    rest: Iterator[ModelReply | Exception] = iter(replies)
    return lambda _: next(rest)


def by_criterion(**replies: ModelReply) -> Replies:
    """For judges that ask each criterion of ``make_rubric`` on its own."""
    return lambda asked: replies[
        "safe" if "Is it safe?" in asked.request.messages[0].content else "quality"
    ]


def make_prompt(content: str = "What is two and two?", **fields: object) -> Prompt:
    messages = fields.pop("messages", (Message(role="user", content=content),))
    values = {"id": "p1", "line": 1, "digest": "", "messages": messages, **fields}
    return Prompt.model_validate(values)


def make_completion(text: str = "Four.", index: int = 0) -> Completion:
    return Completion(
        id=f"p1.c{index}", prompt_id="p1", index=index, model="writer", text=text, finish="stop"
    )


def make_rubric(**fields: object) -> Rubric:
    """A criterion of five levels (weight 3), one yes/no (weight 1)."""
    criteria = [
        {"name": "quality", "weight": 3, "question": "How good is it?", "levels": list("abcde")},
        {"name": "safe", "weight": 1, "yes_no": "Is it safe?"},
    ]
    return Rubric.model_validate({"name": "test", "version": 1, "criteria": criteria, **fields})
