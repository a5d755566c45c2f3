"""One request judges one completion on all criteria that a judge is asked, or on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from judgeforge.calls.providers.base import ModelReply, TokenProbability
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import Form, WritingJudge, joined_rationale
from judgeforge.judging.judge_prompts import JudgePrompt
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
from judgeforge.records import Question

_Reading = tuple[ScoreReply, tuple[TokenProbability, ...]]


class PointwiseJudge(WritingJudge[_Reading]):
    template = "pointwise"

    def questions(self, completion_ids: Sequence[str], repeat: int) -> list[Question]:
        return single_questions(self._judge, completion_ids, repeat)

    def form(self, rubric: Rubric, asked: JudgePrompt, shown: int) -> Form[_Reading]:  # noqa: ARG002
        return Form(
            prompt=asked,
            schema=score_schema(rubric),
            read=partial(_read, rubric=rubric, judged=asked.messages[-1].text),
            top_logprobs=alternatives_needed(rubric) if self._judge.logprobs else None,
        )

    def evidence(self, readings: Sequence[_Reading]) -> dict[str, object]:
        replies = [reply for reply, _ in readings]
        criteria: dict[str, float] = {}
        for reply in replies:
            criteria |= reply.criteria
        as_written = {
            "criteria": criteria,
            "score": self._rubric.weighted_mean(criteria),
            "rationale": joined_rationale(self._parts, [reply.rationale for reply in replies]),
            "note": READ_IN_WORDS if any(reply.in_words for reply in replies) else None,
        }
        return as_written | (self._from_tokens(readings) if self._judge.logprobs else {})

    def _from_tokens(self, readings: Sequence[_Reading]) -> dict[str, object]:
        """Expected scores over the tokens' probabilities, or a note why the scores stay as written.

        All criteria or none: scores of different fineness would not add up to one uncertainty.
        """
        distributions: dict[str, Distribution] = {}
        try:
            for (_, tokens), (_, asked) in zip(readings, self._asked, strict=True):
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


def single_questions(
    judge: JudgeConfig, completion_ids: Sequence[str], repeat: int
) -> list[Question]:
    """One for each completion."""
    return [
        Question(judge=judge.label, completion_ids=(one,), repeat=repeat) for one in completion_ids
    ]


def _read(reply: ModelReply, *, rubric: Rubric, judged: str) -> _Reading:
    scores = structured_or_in_words(
        reply,
        partial(read_scores, rubric=rubric),
        partial(read_textual_scores, rubric=rubric, judged=[judged]),
    )
    return scores, reply.tokens
