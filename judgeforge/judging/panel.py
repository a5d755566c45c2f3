"""All judges of a run on the completions of one prompt."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from typing import Any, Protocol

from judgeforge.calls.answer import Asks
from judgeforge.concurrency import gather_or_cancel
from judgeforge.config import JudgeConfig
from judgeforge.judging.checks import run_checks
from judgeforge.judging.pointwise import PointwiseJudge
from judgeforge.records import Completion, Judgment, Prompt
from judgeforge.rubric import Rubric


class Judge(Protocol):
    async def judge(self, prompt: Prompt, completion: Completion, repeat: int) -> Judgment: ...


class JudgeKind(Protocol):
    def __call__(self, judge: JudgeConfig, rubric: Rubric, gateway: Asks) -> Judge: ...


PROTOCOLS: Mapping[str, JudgeKind] = {"pointwise": PointwiseJudge}
"""A new protocol is one file and a line here."""


class Panel:
    def __init__(self, judges: Sequence[JudgeConfig], rubric: Rubric, gateway: Asks) -> None:
        self._rubric = rubric
        self._judges = [
            (PROTOCOLS[judge.protocol](judge, rubric, gateway), judge.repeats) for judge in judges
        ]

    async def judge(self, prompt: Prompt, completions: Sequence[Completion]) -> list[Judgment]:
        """Checks first, then each judge, completion and repeat; the order never depends on time."""
        checked = [run_checks(self._rubric, prompt, completion) for completion in completions]
        asked = await gather_or_cancel(self._questions(prompt, completions))
        return [*(judgment for judgment in checked if judgment is not None), *asked]

    def _questions(
        self, prompt: Prompt, completions: Sequence[Completion]
    ) -> Iterator[Coroutine[Any, Any, Judgment]]:
        if not self._rubric.judged:
            return
        for judge, repeats in self._judges:
            for completion in completions:
                for repeat in range(repeats):
                    yield judge.judge(prompt, completion, repeat)
