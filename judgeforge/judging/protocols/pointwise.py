"""One request judges one completion on all criteria that a judge is asked, or on one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from judgeforge.calls.call import Asks
from judgeforge.calls.providers.base import ModelReply, TokenProbability
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import Form, ask_all, joined_rationale, rubrics_asked
from judgeforge.judging.judge import blank_judgment
from judgeforge.judging.judge_prompts import pointwise_messages
from judgeforge.judging.replies.in_words import (
    READ_IN_WORDS,
    read_textual_scores,
    structured_or_in_words,
)
from judgeforge.judging.replies.probabilities import (
    Distribution,
    NoProbabilitiesError,
    alternatives_needed,
    expected_scores,
    score_distributions,
)
from judgeforge.judging.replies.structured import ScoreReply, read_scores, score_schema
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Completion, Judgment, Prompt, Question

_Reading = tuple[ScoreReply, tuple[TokenProbability, ...]]


class PointwiseJudge:
    def __init__(self, judge: JudgeConfig, rubric: Rubric, gateway: Asks) -> None:
        self._judge, self._rubric, self._gateway = judge, rubric, gateway
        self._asked = [
            (part, asked, score_schema(asked)) for part, asked in rubrics_asked(judge, rubric)
        ]

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return [
            Question(judge=self._judge.label, completion_ids=(one,), repeat=repeat)
            for one in completion_ids
        ]

    async def ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        (completion_id,) = question.completion_ids
        text = completions[completion_id].text
        forms = [
            Form(
                messages=(messages := pointwise_messages(asked, prompt, text)),
                schema=schema,
                read=partial(_read, rubric=asked, judged=messages[-1].content),
                part=part,
                top_logprobs=alternatives_needed(asked) if self._judge.logprobs else None,
            )
            for part, asked, schema in self._asked
        ]
        replies = await ask_all(self._gateway, self._judge, forms, question.repeat)
        blank = blank_judgment(prompt, question, self._judge, self._rubric)
        return replies.add_to(blank, self._evidence)

    def _evidence(self, readings: Sequence[_Reading]) -> dict[str, object]:
        criteria: dict[str, float] = {}
        for reply, _ in readings:
            criteria |= reply.criteria
        as_written = {
            "criteria": criteria,
            "score": self._rubric.weighted_mean(criteria),
            "rationale": joined_rationale(
                [part for part, _, _ in self._asked], [reply.rationale for reply, _ in readings]
            ),
            "note": READ_IN_WORDS if any(reply.in_words for reply, _ in readings) else None,
        }
        return as_written | (self._from_tokens(readings) if self._judge.logprobs else {})

    def _from_tokens(self, readings: Sequence[_Reading]) -> dict[str, object]:
        """Expected scores over the tokens' probabilities, or a note why the scores stay as written.

        All criteria or none: scores of different fineness would not add up to one uncertainty.
        """
        distributions: dict[str, Distribution] = {}
        try:
            for (_, tokens), (_, asked, _) in zip(readings, self._asked, strict=True):
                distributions |= score_distributions(tokens, asked)
        except NoProbabilitiesError as error:
            return {"note": f"scores as written, without token probabilities: {error}"}
        expected = expected_scores(self._rubric, distributions)
        return {
            "criteria": expected.criteria,
            "score": expected.score,
            "score_sd": expected.score_sd,
            "probabilities": expected.probabilities,
        }


def _read(reply: ModelReply, *, rubric: Rubric, judged: str) -> _Reading:
    scores = structured_or_in_words(
        reply.text,
        partial(read_scores, rubric=rubric),
        partial(read_textual_scores, rubric=rubric, judged=[judged]),
    )
    return scores, reply.tokens
