"""What is paid beside judging: criteria that a model writes, and answers of judges themselves."""

from __future__ import annotations

from collections.abc import Sequence

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.own_criteria.prompt_rubric import OwnRubrics
from judgeforge.judging.own_criteria.writing import messages_for
from judgeforge.judging.rubric import Criterion, Rubric
from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.loads import Beginning, InputTokens, ModelLoad, Tokens
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.text.wording import about_tokens

_USUAL_QUESTION = "Does the answer say which of the two is meant, and why the other one is not?"
"""As long as written questions usually are."""
_TOKENS_OF_CRITERION = (25, 45)
"""Low and expected, of a reply; high is the output limit."""
_SHOWN_ANSWERS = 2
_ANSWER_SHARES = (0.1, 0.4, 1.0)
"""Of the judge's output limit, which is meant for a judgment."""


class OwnCriteriaCost:
    def __init__(self, prepared: Preparation, input_tokens: InputTokens) -> None:
        self._prepared, self._input_tokens = prepared, input_tokens
        self._rubrics = prepared.own_rubrics
        self._write = prepared.config.rubric_parts.write
        self._expected = self._as_written(self._rubrics)

    def rubric_of(self, prompt: Prompt) -> Rubric:
        """What the prompt will be judged by; where its criteria are not written yet, as many of
        usual length as are asked for."""
        if self._rubrics is None:
            return self._prepared.rubric
        if prompt.criteria is None and self._expected is not None:
            return self._expected
        return self._rubrics.of_row(prompt)

    def add_writing(self, prompt: Prompt, lengths: Tokens, loads: dict[str, ModelLoad]) -> None:
        """``lengths``: tokens of an answer."""
        write, rubrics = self._write, self._rubrics
        if write is None or rubrics is None or prompt.criteria is not None:
            return
        if not self._prepared.config.judging.judges:
            return
        messages, _ = messages_for(write, rubrics, prompt)
        shown = _SHOWN_ANSWERS if write.contrast else 0
        frame: Sequence[int] = self._input_tokens(write.model, messages)
        inputs = tuple(n + shown * length for n, length in zip(frame, lengths, strict=True))
        usual = (min(write.max_tokens, n * write.most) for n in _TOKENS_OF_CRITERION)
        begins = Beginning(about_tokens(messages[0].text))
        loads[write.model].add(1, inputs, (*usual, write.max_tokens), begins=begins)

    def _as_written(self, rubrics: OwnRubrics | None) -> Rubric | None:
        if rubrics is None or self._write is None:
            return None
        return rubrics.with_own(
            [
                Criterion(name=f"written_{number}", yes_no=_USUAL_QUESTION)
                for number in range(1, self._write.most + 1)
            ]
        )


def own_answer_tokens(judge: JudgeConfig) -> Tokens:
    """Low, expected and high, which each of its requests shows again; none where it gives none."""
    if not judge.commit_first:
        return (0, 0, 0)
    low, expected, high = (round(share * judge.max_tokens) for share in _ANSWER_SHARES)
    return low, expected, high
