"""What was asked about one prompt so far, and what came of it: the state of an escalation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from judgeforge.judging.panel import Panel
from judgeforge.ranking.cascade.candidates import Ask, Bundle, JudgeOption
from judgeforge.ranking.cascade.choose import Spent
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Completion, Judgment, Prompt, Question
from judgeforge.text.tool_calls import said_text

Brought = Callable[[Sequence[Completion]], Sequence[Judgment]]
"""What others have judged of these completions of the prompt."""


class Grows(Protocol):
    """The completions of a prompt, where more of them may be sampled while it is judged."""

    @property
    def writer(self) -> str | None:
        """Of the next one; None where no more may be sampled."""

    @property
    def taken(self) -> int:
        """How many were sampled or passed over."""

    def pass_over(self) -> None:
        """Leave the next one out."""

    async def sample(self) -> Completion:
        """The next one, usable or not."""

    @property
    def may_be_judged(self) -> Callable[[Completion], bool]: ...


class AskedSoFar:
    """What was asked about one prompt so far, and what came of it."""

    def __init__(
        self,
        panel: Panel,
        prompt: Prompt,
        completions: Sequence[Completion],
        options: Sequence[JudgeOption],
        checked: Sequence[Judgment],
        brought: Brought,
    ) -> None:
        self._panel, self._prompt = panel, prompt
        self._completions = {completion.id: completion for completion in completions}
        self.options = options
        self._judgments = list(checked)
        self._brought_of, self._brought = brought, brought(completions)
        self.spent = Spent()
        self.has_records = False
        """Whether the writers' records speak for completions that nobody was asked about."""
        self._rounds: Counter[tuple[str, tuple[str, ...]]] = Counter()

    @property
    def all_judgments(self) -> list[Judgment]:
        return [*self._judgments, *self._brought]

    @property
    def evidence(self) -> Evidence:
        """A completion whose judgment could not be read may still be judged by others."""
        return read_evidence(
            self.all_judgments,
            tuple(self._completions),
            keep_unjudged=True,
            texts={
                name: said_text(one.text, one.tool_calls) for name, one in self._completions.items()
            },
            writers={name: one.model for name, one in self._completions.items()},
            keep_unasked=self.has_records,
        )

    async def ask_first_tier(self) -> None:
        await self._ask_once(self._first_tier, list(self._completions.values()))

    async def ask_everybody(self, rounds: int) -> None:
        for number in range(rounds):
            await self._ask_once(self.options, list(self._completions.values()), number)

    async def take(self, further: Grows) -> None:
        """One more, which is judged where it can be, and paid for in any case."""
        completion = await further.sample()
        self._spend(0, completion.cost_usd)
        if not further.may_be_judged(completion):
            return
        self._completions[completion.id] = completion
        self._brought = self._brought_of(list(self._completions.values()))
        self._judgments += await self._panel.check(self._prompt, [completion])
        await self._ask_once(self._first_tier, [completion])

    @property
    def _first_tier(self) -> list[JudgeOption]:
        tier = first_tier(self.options)
        return [option for option in self.options if option.tier == tier]

    async def _ask_once(
        self, options: Sequence[JudgeOption], completions: Sequence[Completion], number: int = 0
    ) -> None:
        questions = [
            question
            for option in options
            for question in self._panel.questions(option.name, completions, number)
        ]
        self._rounds.update({(one.judge, tuple(sorted(one.completion_ids))) for one in questions})
        await self._send(questions)

    async def ask(self, bundle: Bundle) -> None:
        ids = self.evidence.completion_ids
        questions = [question for ask in bundle for question in self._questions(ask, ids)]
        await self._send(questions)

    def times_asked(self, ids: Sequence[str]) -> Mapping[tuple[str, tuple[int, ...]], int]:
        """By judge and places: also what brought no judgment must not be asked again for ever."""
        place = {name: i for i, name in enumerate(ids)}
        return {
            (judge, tuple(sorted(place[name] for name in about))): times
            for (judge, about), times in self._rounds.items()
            if all(name in place for name in about)
        }

    def vetoed(self, ids: Sequence[str]) -> list[int]:
        """Places of those that fail a required check, unless none passes."""
        failed = {j.completion_ids[0] for j in self._judgments if j.failed_required}
        places = [place for place, name in enumerate(ids) if name in failed]
        return places if len(places) < len(ids) else []

    def _questions(self, ask: Ask, ids: Sequence[str]) -> list[Question]:
        about = [self._completions[ids[place]] for place in ask.places]
        key = (ask.judge, tuple(sorted(one.id for one in about)))
        round_number = self._rounds[key]
        # Counted even where the judge has nothing to say about it (its own family, say).
        self._rounds[key] += 1
        return self._panel.questions(ask.judge, about, round_number)

    async def _send(self, questions: Sequence[Question]) -> None:
        found = await self._panel.ask(self._prompt, list(self._completions.values()), questions)
        self._judgments += found
        self._spend(len(found), sum(judgment.cost_usd or 0.0 for judgment in found))

    def _spend(self, calls: int, usd: float | None) -> None:
        self.spent = Spent(self.spent.calls + calls, self.spent.cost + (usd or 0.0))
