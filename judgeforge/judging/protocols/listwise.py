"""One request scores all completions of a prompt side by side: cheap, and coarser."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.judging.asking import Form, WritingJudge, joined_rationale
from judgeforge.judging.judge import drawn_order
from judgeforge.judging.judge_prompts import JudgePrompt
from judgeforge.judging.replies.in_words import said_by
from judgeforge.judging.replies.structured import ListReply, list_schema, read_list
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Question


class ListwiseJudge(WritingJudge[ListReply]):
    template = "listwise"

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        """One question about all, in an order that ``seed`` draws again for every repeat."""
        if len(completion_ids) < 2:
            return []
        order = drawn_order(self._judge, completion_ids, repeat)
        return [Question(judge=self._judge.label, completion_ids=order, repeat=repeat)]

    def form(self, rubric: Rubric, asked: JudgePrompt, shown: int) -> Form[ListReply]:
        return Form(
            prompt=asked,
            schema=list_schema(rubric, shown),
            read=lambda reply: read_list(said_by(reply), rubric, shown),
        )

    def evidence(self, readings: Sequence[ListReply]) -> dict[str, object]:
        answers = zip(*(reading.criteria for reading in readings), strict=True)
        merged = [{k: v for scores in parts for k, v in scores.items()} for parts in answers]
        return {
            "scores": tuple(self._rubric.weighted_mean(scores) for scores in merged),
            "rationale": joined_rationale(self._parts, [one.rationale for one in readings]),
        }
