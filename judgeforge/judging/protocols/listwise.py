"""One request scores all completions of a prompt side by side: cheap, and coarser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import ModelReply
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import Form, ask_all, joined_rationale, rubrics_asked
from judgeforge.judging.judge import blank_judgment, drawn_order
from judgeforge.judging.judge_prompts import listwise_messages
from judgeforge.judging.replies.structured import ListReply, list_schema, read_list
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Judgment, Prompt, Question


class ListwiseJudge:
    def __init__(self, judge: JudgeConfig, rubric: Rubric, gateway: Asks) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._rubrics = rubrics_asked(judge, rubric)

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        """One question about all, in an order that ``seed`` draws anew for every repeat."""
        if len(completion_ids) < 2:
            return []
        order = drawn_order(self._judge, completion_ids, repeat)
        return [Question(judge=self._judge.label, completion_ids=order, repeat=repeat)]

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        texts = [completions[i].text for i in question.completion_ids]
        forms = [
            Form(
                messages=listwise_messages(rubric, prompt, texts),
                schema=list_schema(rubric, len(texts)),
                read=partial(_read, rubric=rubric, completions=len(texts)),
                part=part,
            )
            for part, rubric in self._rubrics
        ]
        replies = await ask_all(self._gateway, self._judge, forms, question.repeat)
        blank = blank_judgment(prompt, question, self._judge, self._rubric)
        return replies.add_to(blank, self._evidence)

    def _evidence(self, readings: Sequence[ListReply]) -> dict[str, object]:
        answers = zip(*(reading.criteria for reading in readings), strict=True)
        merged = [{k: v for scores in parts for k, v in scores.items()} for parts in answers]
        return {
            "scores": tuple(self._rubric.weighted_mean(scores) for scores in merged),
            "rationale": joined_rationale(
                [part for part, _ in self._rubrics], [reading.rationale for reading in readings]
            ),
        }


def _read(reply: ModelReply, *, rubric: Rubric, completions: int) -> ListReply:
    return read_list(reply.text, rubric, completions)
