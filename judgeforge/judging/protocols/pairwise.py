"""One request compares two completions: A, B or a tie, and how clear that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import Form, WritingJudge, joined_rationale
from judgeforge.judging.judge import drawn_order
from judgeforge.judging.judge_prompts import JudgePrompt
from judgeforge.judging.replies.in_words import (
    READ_IN_WORDS,
    read_textual_pair,
    structured_or_in_words,
)
from judgeforge.judging.replies.structured import PAIR_SCHEMA, PairReply, read_pair
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Question

_LEAST_LEAN = 1e-9
"""Criteria asked one by one that cancel out to less than this are a tie."""


class PairwiseJudge(WritingJudge[PairReply]):
    template = "pairwise"

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return pair_questions(self._judge, completion_ids, repeat)

    def form(self, rubric: Rubric, asked: JudgePrompt, shown: int) -> Form[PairReply]:  # noqa: ARG002
        in_words = partial(read_textual_pair, judged=[asked.messages[-1].text])
        return Form(
            prompt=asked,
            schema=PAIR_SCHEMA,
            read=lambda reply: structured_or_in_words(reply, read_pair, in_words),
        )

    def evidence(self, readings: Sequence[PairReply]) -> dict[str, object]:
        leans = {part: one.lean for part, one in zip(self._parts, readings, strict=True) if part}
        lean = self._rubric.weighted(leans) if leans else readings[0].lean
        tie = abs(lean) < _LEAST_LEAN
        return {
            "verdict": "tie" if tie else "a" if lean > 0 else "b",
            "strength": None if tie else abs(lean),
            "criteria": {part: (1.0 + lean) / 2.0 for part, lean in leans.items()},
            "rationale": joined_rationale(self._parts, [one.rationale for one in readings]),
            "note": READ_IN_WORDS if any(one.in_words for one in readings) else None,
        }


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
