"""One request compares two completions: A, B or a tie, and how clear that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import Form, ask_all, joined_rationale, rubrics_asked
from judgeforge.judging.judge import blank_judgment, drawn_order
from judgeforge.judging.judge_prompts import pairwise_messages
from judgeforge.judging.replies.in_words import (
    READ_IN_WORDS,
    read_textual_pair,
    structured_or_in_words,
)
from judgeforge.judging.replies.structured import PAIR_SCHEMA, PairReply, read_pair
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Judgment, Prompt, Question

_LEAST_LEAN = 1e-9
"""Criteria asked one by one that cancel out to less than this are a tie."""


class PairwiseJudge:
    def __init__(self, judge: JudgeConfig, rubric: Rubric, gateway: Asks) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._rubrics = rubrics_asked(judge, rubric)

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return pair_questions(self._judge, completion_ids, repeat)

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        first, second = (completions[i].text for i in question.completion_ids)
        forms = [
            Form(
                messages=(messages := pairwise_messages(rubric, prompt, first, second)),
                schema=PAIR_SCHEMA,
                read=partial(_read, judged=messages[-1].content),
                part=part,
            )
            for part, rubric in self._rubrics
        ]
        replies = await ask_all(self._gateway, self._judge, forms, question.repeat)
        blank = blank_judgment(prompt, question, self._judge, self._rubric)
        return replies.add_to(blank, self._evidence)

    def _evidence(self, readings: Sequence[PairReply]) -> dict[str, object]:
        parts = [part for part, _ in self._rubrics]
        leans = {part: reading.lean for part, reading in zip(parts, readings, strict=True) if part}
        lean = self._rubric.weighted_mean(leans) if leans else readings[0].lean
        tie = abs(lean) < _LEAST_LEAN
        return {
            "verdict": "tie" if tie else "a" if lean > 0 else "b",
            "strength": None if tie else abs(lean),
            "criteria": {part: (1.0 + lean) / 2.0 for part, lean in leans.items()},
            "rationale": joined_rationale(parts, [reading.rationale for reading in readings]),
            "note": READ_IN_WORDS if any(reading.in_words for reading in readings) else None,
        }


def _read(reply: ModelReply, *, judged: str) -> PairReply:
    return structured_or_in_words(
        reply.text, read_pair, partial(read_textual_pair, judged=[judged])
    )


def pair_questions(
    judge: JudgeConfig, completion_ids: Sequence[str], repeat: int
) -> list[Question]:
    """Every pair in the orders that the judge's configuration asks for."""
    return [
        Question(judge=judge.label, completion_ids=order, repeat=repeat)
        for pair in combinations(completion_ids, 2)
        for order in _orders(judge, pair, repeat)
    ]


def _orders(judge: JudgeConfig, pair: tuple[str, str], repeat: int) -> Iterator[tuple[str, ...]]:
    if judge.orders == "random":
        yield drawn_order(judge, pair, repeat)
        return
    yield pair
    if judge.orders == "both":
        yield pair[::-1]
