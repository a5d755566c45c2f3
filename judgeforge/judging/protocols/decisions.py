"""A decision model answers the whole rubric in one request, in probabilities.

Levels are asked as a score, yes/no as a yes/no, two completions as a choice between them. The
distributions are evidence as they are, their uncertainty included; no words are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import (
    DecisionAnswer,
    DecisionQuestion,
    DecisionRequest,
    ModelReply,
)
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.judge import blank_judgment
from judgeforge.judging.judge_prompts import decision_pair_question, judge_messages
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.material import answers_by_id
from judgeforge.judging.protocols.in_numbers import asked_once
from judgeforge.judging.protocols.pairwise import pair_questions
from judgeforge.judging.protocols.pointwise import single_questions
from judgeforge.judging.replies.decisions import answers_by_name, read_choice, score_of_answers
from judgeforge.judging.replies.json_object import UnreadableReplyError
from judgeforge.judging.replies.probabilities import answers_of
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.records import Completion, Judgment, Prompt, Question

_BETTER = "better"
_CHOICES = (
    ("A", "Answer A is better by the criteria."),
    ("B", "Answer B is better by the criteria."),
    ("tie", "Both answers are equally good by the criteria."),
)


class DecisionJudge:
    def __init__(
        self,
        judge: JudgeConfig,
        rubric: Rubric,
        gateway: Asks,
        *,
        layout: Layout = NEWEST_LAYOUT,
    ) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._layout: Layout = layout
        self._questions = tuple(map(_question, rubric.judged))
        self._pair_question = DecisionQuestion(
            _BETTER, "choice", decision_pair_question(rubric), _CHOICES
        )

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        """One for each completion or, with ``pairs``, each pair in the configured orders."""
        asked = pair_questions if self._judge.pairs else single_questions
        return asked(self._judge, completion_ids, repeat)

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        of_row = answers_by_id(completions)
        answers = [of_row[i] for i in question.completion_ids]
        request = DecisionRequest(
            judge_messages(
                "decisions",
                self._rubric,
                prompt,
                answers,
                row=tuple(of_row.values()),
                layout=self._layout,
            ),
            self._questions if len(answers) == 1 else (self._pair_question,),
        )
        blank = blank_judgment(prompt, question, self._judge, self._rubric)
        read = partial(self._evidence, request)
        return await asked_once(self._gateway, self._judge, request, blank, read)

    def _evidence(self, request: DecisionRequest, reply: ModelReply) -> dict[str, Any]:
        answers = answers_by_name(request.questions, reply.decisions)
        if request.questions == (self._pair_question,):
            return _compared(answers)
        return score_of_answers(self._rubric, answers)


def _question(criterion: Criterion) -> DecisionQuestion:
    if criterion.levels is None:
        return DecisionQuestion(criterion.name, "yes_no", (criterion.yes_no or "").strip())
    levels = zip(answers_of(criterion), criterion.levels, strict=True)
    return DecisionQuestion(
        criterion.name,
        "levels",
        (criterion.question or "").strip(),
        tuple((number, text.strip()) for number, text in levels),
    )


def _compared(answers: Mapping[str, DecisionAnswer]) -> dict[str, Any]:
    names = [name for name, _ in _CHOICES]
    try:
        choice, chances = read_choice(answers.get(_BETTER), names)
    except UnreadableReplyError as error:
        raise UnreadableReplyError(f"which is better: {error}") from error
    if chances is None:
        return {"verdict": choice.lower(), "note": "the choice came without probabilities"}
    return {
        "verdict": choice.lower(),
        "strength": None if choice == "tie" else abs(chances["A"] - chances["B"]),
        "probabilities": {name.lower(): chance for name, chance in chances.items()},
    }
