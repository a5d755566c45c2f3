"""What a judge is sent about a prompt, in tokens, without the completions: only words differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asking import rubrics_asked
from judgeforge.judging.judge_prompts import (
    JudgePrompt,
    decision_pair_question,
    judge_messages,
    judge_prompt,
)
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.rubric import Rubric
from judgeforge.records import Prompt
from judgeforge.runs.cost_estimates.loads import Beginning, InputTokens, Tokens
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.text.wording import about_tokens, byte_count, tokens_of_bytes

CALL_TOKENS = 10
"""Chat markup of a request."""
Frame = tuple[Tokens, Beginning]
_Shape = tuple[tuple[str, ...], bool]
"""The roles of its turns, and whether it has a reference."""


class Frames:
    def __init__(
        self,
        prepared: Preparation,
        rubric_of: Callable[[Prompt], Rubric],
        input_tokens: InputTokens,
    ) -> None:
        self._prepared, self._rubric_of, self._input_tokens = prepared, rubric_of, input_tokens
        self._asked: dict[str, list[Rubric]] = {}
        """By label of the judge: the rubrics of its requests."""
        self._around: dict[tuple[str, _Shape], Tokens] = {}
        """Of a request: the bytes around the words of a prompt, the tokens of the rubric, and the
        bytes around those words in what all questions of a row begin with."""

    def of(self, prompt: Prompt, judge: JudgeConfig) -> Iterator[Frame]:
        """Of each request of a question: its tokens without completions (low, expected, high), and
        what it begins with.

        The frames of all protocols that are answered in words are about the same length.
        """
        if judge.facts.rewards:
            yield self._input_tokens(judge.model, prompt.messages), Beginning(0)
            return
        if judge.facts.decides:
            rubric = self._rubric_of(prompt)
            system, user = judge_messages("decisions", rubric, prompt, [""])
            choice = decision_pair_question(rubric)
            frame = self._input_tokens(judge.model, (system, user), choice)
            yield frame, Beginning(about_tokens(system.text) + CALL_TOKENS)
            return
        rubric, own = self._rubric_of(prompt), self._words_of(judge)
        if rubric is not self._prepared.rubric or own != OF_THE_HOUSE:
            for _, asked in rubrics_asked(judge, rubric):
                yield self._rendered(prompt, asked, judge)
            return
        if judge.label not in self._asked:
            self._asked[judge.label] = [asked for _, asked in rubrics_asked(judge, rubric)]
        for asked in self._asked[judge.label]:
            yield self._frame(prompt, asked, judge)

    def _words_of(self, judge: JudgeConfig) -> OwnPrompt:
        return self._prepared.own_prompts.get(judge.label, OF_THE_HOUSE)

    def _rendered(self, prompt: Prompt, rubric: Rubric, judge: JudgeConfig) -> Frame:
        own, layout = self._words_of(judge), self._prepared.layout
        sent = judge_prompt("pointwise", rubric, prompt, [""], layout=layout, own=own)
        row = tokens_of_bytes(_shared_bytes(sent))
        tokens = self._input_tokens(judge.model, sent.messages)
        return tokens, Beginning(about_tokens(sent.messages[0].text), row)

    def _frame(self, prompt: Prompt, rubric: Rubric, judge: JudgeConfig) -> Frame:
        """Prompts of words alone differ by their words only: one of each shape is rendered."""
        shape = shape_of(prompt)
        if shape is None:
            return self._rendered(prompt, rubric, judge)
        key = rubric.sha256, shape
        if key not in self._around:
            sent = judge_prompt("pointwise", rubric, prompt, [""], layout=self._prepared.layout)
            system, user = sent.messages
            whole = byte_count(system.text) + byte_count(user.text)
            words, row = _bytes_of_words(prompt), _shared_bytes(sent)
            self._around[key] = whole - words, about_tokens(system.text), max(0, row - words)
        around, rubric_tokens, of_row = self._around[key]
        words = _bytes_of_words(prompt)
        tokens = tokens_of_bytes(around + words) + CALL_TOKENS
        row_tokens = tokens_of_bytes(of_row + words) if of_row else 0
        return (tokens, tokens, tokens), Beginning(rubric_tokens, row_tokens)


def shape_of(prompt: Prompt) -> _Shape | None:
    """What of a prompt decides how a judge is shown its words; None where it has more than words,
    which are shown in other ways."""
    for turn in prompt.messages:
        if not isinstance(turn.content, str) or turn.tool_calls or turn.name or turn.role == "tool":
            return None
    if prompt.tools:
        return None
    return tuple(turn.role for turn in prompt.messages), prompt.reference is not None


def _bytes_of_words(prompt: Prompt) -> int:
    return sum(byte_count(turn.text) for turn in prompt.messages) + byte_count(
        prompt.reference or ""
    )


def _shared_bytes(sent: JudgePrompt) -> int:
    """Of the user's message, as far as all questions of a row begin with it."""
    if sent.shared is None:
        return 0
    text = sent.messages[1].text
    return byte_count(text if sent.shared.parts else text[: sent.shared.characters])
