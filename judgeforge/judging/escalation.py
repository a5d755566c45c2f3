"""Asks the first tier of judges, then those that tell most for their price while doubt is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.panel import Panel
from judgeforge.ranking.cascade.another import is_about_another
from judgeforge.ranking.cascade.candidates import Ask, Bundle, JudgeOption, first_tier
from judgeforge.ranking.cascade.choose import Spent, is_settled, next_bundle
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.evidence import Evidence, read_evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Completion, Judgment, Prompt, Question
from judgeforge.text.tool_calls import said_text
from judgeforge.text.values import dataclass

PromptPrice = Callable[[Prompt, Sequence[Completion]], float | None]
"""What a fresh prompt like this one is expected to cost with its completions and the first tier."""
AnotherPrice = Callable[[Prompt, Sequence[Completion], int], float | None]
"""What one more completion and the first tier's judgments of it are expected to cost; the number is
of those that may have been sampled in doubt before it."""
Price = Callable[[Prompt, JudgeConfig, Sequence[Completion]], float | None]
"""What one question of a judge about completions is expected to cost, in USD; None if unknown."""

_PAIR_SIZE = 2

OnceKnown = Callable[[], Awaitable[Reliability]]
"""Waits until the judges of the run are known, and returns what is known."""


@dataclass(frozen=True, slots=True)
class TrainingAim:
    value: TrainingValue
    prompt_price: PromptPrice
    another_price: AnotherPrice


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

    async def sample(self) -> Completion | None:
        """The next one; None where it cannot be judged."""


class Escalation:
    """``max_error``: where the pairs are thresholded for it, calls serve the pairs kept.
    ``from_records``: where the writers have records, even the first tier is asked only where these
    leave doubt. ``training``: where calls are to serve the model that is trained."""

    def __init__(
        self,
        panel: Panel,
        rules: CascadeRules,
        price: Price,
        *,
        max_error: float | None = None,
        from_records: bool = False,
        training: TrainingAim | None = None,
    ) -> None:
        self._panel, self._rules, self._price, self._max_error = panel, rules, price, max_error
        self._from_records = from_records
        self._training = training

    async def judge(
        self,
        prompt: Prompt,
        completions: Sequence[Completion],
        reliability: OnceKnown,
        *,
        brought: Sequence[Judgment] = (),
        rounds: int = 0,
        panel: Panel | None = None,
        further: Grows | None = None,
    ) -> list[Judgment]:
        """Checks first, then the judgments in the order in which they were asked for.

        ``brought``: what others have judged. It is evidence from the start, so that nothing is
        asked that it has settled, and it stands last.

        ``rounds``: above 0 all judges are asked everything so often and nothing else, so that the
        judges can be measured. ``panel``: the same judges, where the prompt has a rubric of its
        own. ``further``: may sample more completions; they are judged as the others are.

        That order, and what is asked, follow from the evidence alone, never from time.
        """
        panel = panel or self._panel
        prices = self._prices(prompt, completions)
        checked = await panel.check(prompt, completions)
        if panel.is_settled(prompt, checked):
            return [*checked, *brought]
        training = self._for_training(prompt, completions, prices)
        course = _Course(panel, prompt, completions, self._options(prices), checked, brought)
        rules = self._rules
        if not prices:  # each call counts the same, and no limit in USD can be kept
            rules = rules.model_copy(update={"max_usd_per_prompt": None})
        if rounds:
            await course.ask_everybody(rounds)
            return [*course.judgments, *brought]
        if not self._from_records:
            await course.ask_first_tier()
        known = await reliability()
        if self._from_records:
            course.has_records = bool(known.writers)
            # Without records it is one of the prompts that they are learnt from.
            if not known.writers or not is_settled(course.evidence, known, rules):
                await course.ask_first_tier()
        if training is None or further is None or not panel.judges_each_alone(prompt):
            await self._ask_in_doubt(course, known, rules, lambda: training)
            return [*course.judgments, *brought]

        def with_another() -> ForTraining:
            another = self._another(prompt, completions, prices, panel, further)
            return replace(training, another=another)

        await self._ask_in_doubt(course, known, rules, with_another, further)
        return [*course.judgments, *brought]

    async def _ask_in_doubt(
        self,
        course: _Course,
        reliability: Reliability,
        rules: CascadeRules,
        training: Callable[[], ForTraining | None],
        further: Grows | None = None,
    ) -> None:
        while True:
            evidence = course.evidence
            bundle = self._next(course, evidence, reliability, rules, training())
            if not bundle:
                return
            if further is not None and is_about_another(bundle, len(evidence.completion_ids)):
                await course.take(await further.sample())
            else:
                await course.ask(bundle)

    def _for_training(
        self, prompt: Prompt, completions: Sequence[Completion], prices: Sequence[float]
    ) -> ForTraining | None:
        """Without prices each call counts the same: one for a completion and each question."""
        if self._training is None:
            return None
        price = self._training.prompt_price(prompt, completions) if prices else None
        if not price:
            judges = self._panel.judges
            first = min(judge.tier for judge in judges)
            questions = [
                judge.questions(len(completions)) for judge in judges if judge.tier == first
            ]
            unit = min((one for one in prices if one > 0), default=1.0)
            price = unit * (len(completions) + sum(questions))
        return ForTraining(self._training.value, price)

    def _another(
        self,
        prompt: Prompt,
        completions: Sequence[Completion],
        prices: Sequence[float],
        panel: Panel,
        further: Grows,
    ) -> Another | None:
        """What may be sampled next: another writer each time, and in the end nothing. A writer that
        nobody in the first tier judges is passed over: what it wrote could not be told from others.
        """
        while (writer := further.writer) is not None and not panel.first_to_judge(writer):
            further.pass_over()
        if self._training is None or writer is None:
            return None
        judges, taken = panel.first_to_judge(writer), further.taken
        price = self._training.another_price(prompt, completions, taken) if prices else None
        if not price:
            unit = min((one for one in prices if one > 0), default=1.0)
            price = unit * (1 + len(judges))
        return Another(price, writer, judges)

    def _next(
        self,
        course: _Course,
        evidence: Evidence,
        reliability: Reliability,
        rules: CascadeRules,
        training: ForTraining | None,
    ) -> Bundle:
        if len(evidence.completion_ids) < _PAIR_SIZE:
            return ()
        return next_bundle(
            evidence,
            course.options,
            reliability,
            rules,
            course.spent,
            asked=course.times_asked(evidence.completion_ids),
            vetoed=course.vetoed(evidence.completion_ids),
            max_error=self._max_error,
            training=training,
        )

    def _prices(self, prompt: Prompt, completions: Sequence[Completion]) -> list[float]:
        """Of one question to each judge; empty where any price is unknown or zero, but for a reward
        model's: a server of one's own may well be free beside judges that are not."""
        judges = self._panel.judges
        prices = [self._price(prompt, judge, completions) for judge in judges]
        known = [
            price
            for judge, price in zip(judges, prices, strict=True)
            if price or (price == 0 and judge.facts.rewards)
        ]
        return known if len(known) == len(prices) and any(known) else []

    def _options(self, prices: Sequence[float]) -> list[JudgeOption]:
        judges = self._panel.judges
        return [
            JudgeOption(
                name=judge.label,
                shows=judge.shows,
                tier=judge.tier,
                repeats=judge.repeats,
                cost=price,
                questions_per_pair=judge.questions_per_pair,
                rewards=judge.facts.rewards,
            )
            for judge, price in zip(judges, prices or [1.0] * len(judges), strict=True)
        ]


class _Course:
    """What was asked about one prompt so far, and what came of it."""

    def __init__(
        self,
        panel: Panel,
        prompt: Prompt,
        completions: Sequence[Completion],
        options: Sequence[JudgeOption],
        checked: Sequence[Judgment],
        brought: Sequence[Judgment] = (),
    ) -> None:
        self._panel, self._prompt = panel, prompt
        self._completions = {completion.id: completion for completion in completions}
        self.options = options
        self.judgments = list(checked)
        self._brought = brought
        self.spent = Spent()
        self.has_records = False
        """Whether the writers' records speak for completions that nobody was asked about."""
        self._rounds: Counter[tuple[str, tuple[str, ...]]] = Counter()

    @property
    def evidence(self) -> Evidence:
        """A completion whose judgment could not be read may still be judged by others."""
        return read_evidence(
            [*self.judgments, *self._brought],
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

    async def take(self, completion: Completion | None) -> None:
        """One more; nothing where it cannot be judged."""
        if completion is None:
            return
        self._completions[completion.id] = completion
        self.judgments += await self._panel.check(self._prompt, [completion])
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
        failed = {j.completion_ids[0] for j in self.judgments if j.failed_required}
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
        self.judgments += found
        cost = sum(judgment.cost_usd or 0.0 for judgment in found)
        self.spent = Spent(self.spent.calls + len(found), self.spent.cost + cost)
