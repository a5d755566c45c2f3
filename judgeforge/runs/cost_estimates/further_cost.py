"""What completions cost that are sampled while a prompt is judged, because its pair is in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from judgeforge.config.judges import JudgeConfig
from judgeforge.config.run import RunConfig
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Completion, Prompt
from judgeforge.runs.cost_estimates.loads import ALWAYS, Beginning, ModelLoad, Tokens
from judgeforge.sampling.draws import Draw
from judgeforge.sampling.further import further_draws
from judgeforge.text.wording import counted

SAMPLED_IN_DOUBT = 0.35
"""Share of the prompts of which one more is expected to be sampled, and of these again one more:
with simulated judges 28 to 42 % of pairs (benchmarks/results/another-completion.md)."""


class AddsQuestions(Protocol):
    def __call__(
        self,
        prompt: Prompt,
        judge: JudgeConfig,
        shown: list[int],
        lengths: Tokens,
        load: ModelLoad,
        *,
        made: tuple[float, ...],
    ) -> None: ...


class FurtherCost:
    def __init__(
        self,
        config: RunConfig,
        *,
        escalation: float,
        request_tokens: Callable[[Prompt, Draw], tuple[Tokens, Tokens]],
        shown: Callable[[Prompt, JudgeConfig, Sequence[Completion]], list[int]],
        add_questions: AddsQuestions,
    ) -> None:
        """``escalation``: as in ``Estimator``. ``request_tokens``: of input and output. ``shown``:
        of each question about these completions, how many it is about."""
        self._config, self._escalation = config, escalation
        self._request_tokens, self._shown = request_tokens, shown
        self._add_questions = add_questions

    def add(
        self,
        prompt: Prompt,
        completions: Sequence[Completion],
        lengths: Tokens,
        loads: Mapping[str, ModelLoad],
    ) -> None:
        """All that may be sampled after these ``completions``, as likely as it is."""
        if self._config.sampling is None:
            return
        writers, likely = [one.model for one in completions], 1.0
        for draw in further_draws(prompt, self._config.sampling):
            asked = [
                (judge, *self._questions(prompt, judge, writers, draw.model))
                for judge in self._config.judging.judges
            ]
            if not any(certain for _, certain, _ in asked):
                continue  # as the run passes it over
            likely *= SAMPLED_IN_DOUBT
            self._sampled(prompt, draw, loads, likely)
            for judge, certain, beyond in asked:
                load = loads[judge.model]
                self._add_questions(prompt, judge, certain, lengths, load, made=(0.0, likely, 1.0))
                share = likely * self._escalation
                self._add_questions(prompt, judge, beyond, lengths, load, made=(0.0, share, 1.0))
            writers.append(draw.model)

    def add_next(
        self,
        prompt: Prompt,
        number: int,
        completions: Sequence[Completion],
        lengths: Tokens,
        loads: Mapping[str, ModelLoad],
    ) -> bool:
        """The further completion of this number, from 0, with what the first tier is asked about
        it; False where there is none."""
        if self._config.sampling is None:
            return False
        draws = further_draws(prompt, self._config.sampling)
        if number >= len(draws):
            return False
        draw, writers = draws[number], [one.model for one in completions]
        self._sampled(prompt, draw, loads, 1.0)
        for judge in self._config.judging.judges:
            certain, _ = self._questions(prompt, judge, writers, draw.model)
            self._add_questions(prompt, judge, certain, lengths, loads[judge.model], made=ALWAYS)
        return True

    def _sampled(
        self, prompt: Prompt, draw: Draw, loads: Mapping[str, ModelLoad], likely: float
    ) -> None:
        inputs, outputs = self._request_tokens(prompt, draw)
        made = (0.0, likely, 1.0)
        loads[draw.model].add(1, inputs, outputs, begins=Beginning(inputs[0]), made=made)

    def _questions(
        self, prompt: Prompt, judge: JudgeConfig, writers: Sequence[str], writer: str
    ) -> tuple[list[int], list[int]]:
        """What a judge is asked about one more: for certain, and where doubt is left then. One that
        sees all at once may be asked about all of them again."""
        before = self._shown(prompt, judge, blank_completions(tuple(writers)))
        after = self._shown(prompt, judge, blank_completions((*writers, writer)))
        if judge.shows == "all":
            return [], after if after != before else []
        more = after[len(before) :]
        is_first = judge.tier == first_tier(self._config.judging.judges)
        certain = len(more) // judge.repeats if is_first else 0
        return more[:certain], more[certain:]


def further_notes(config: RunConfig) -> list[str]:
    more = config.sampling.more_in_doubt if config.sampling else 0
    if not more or not config.judging.judges:
        return []  # a run that only samples knows of no doubt
    return [
        f"sampling.more_in_doubt: up to {counted(more, 'completion')} more of a prompt whose pair "
        f"is in doubt: none in low, one of {SAMPLED_IN_DOUBT:.0%} of the prompts (assumed) and a "
        "next one of as many of these in expected, all in high."
    ]


@lru_cache(maxsize=64)
def blank_completions(models: tuple[str, ...]) -> tuple[Completion, ...]:
    """As many as there are models, of which nothing is known but who writes each."""
    return tuple(
        Completion(id=f"c{index}", prompt_id="", index=index, model=model, text="", finish="stop")
        for index, model in enumerate(models)
    )
