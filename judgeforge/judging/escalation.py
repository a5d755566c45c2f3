"""Asks the first tier of judges, then those that tell most for their price while doubt is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.asked_so_far import AskedSoFar, Brought, Grows
from judgeforge.judging.panel import Panel
from judgeforge.ranking.cascade.another import is_about_another
from judgeforge.ranking.cascade.candidates import Bundle, JudgeOption
from judgeforge.ranking.cascade.choose import is_settled, next_bundle
from judgeforge.ranking.cascade.training_value import Another, ForTraining, TrainingValue
from judgeforge.ranking.evidence import Evidence
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.ranking.rules import CascadeRules
from judgeforge.records import Completion, Judgment, Prompt

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
        brought: Brought = lambda _: (),
        rounds: int = 0,
        panel: Panel | None = None,
        further: Grows | None = None,
    ) -> list[Judgment]:
        """Checks first, then the judgments in the order in which they were asked for.

        ``brought`` is evidence from the start, so that nothing is asked that it has settled, and
        stands last.

        ``rounds``: above 0 all judges are asked everything this many times and nothing else, so
        that they can be measured. ``panel``: the same judges, where the prompt has a rubric of its
        own. ``further``: may sample more completions; they are judged as the others are.

        That order, and what is asked, follow from the evidence alone, never from time.
        """
        panel = panel or self._panel
        prices = self._prices(prompt, completions)
        checked = await panel.check(prompt, completions)
        if panel.is_settled(prompt, checked):
            return [*checked, *brought(completions)]
        training = self._for_training(prompt, completions, prices)
        so_far = AskedSoFar(panel, prompt, completions, self._options(prices), checked, brought)
        rules = self._rules
        if not prices:  # each call counts the same, and no limit in USD can be kept
            rules = rules.model_copy(update={"max_usd_per_prompt": None})
        if rounds:
            await so_far.ask_everybody(rounds)
            return so_far.all_judgments
        if not self._from_records:
            await so_far.ask_first_tier()
        known = await reliability()
        if self._from_records:
            so_far.has_records = bool(known.writers)
            # Without records it is one of the prompts that they are learnt from.
            if not known.writers or not is_settled(so_far.evidence, known, rules):
                await so_far.ask_first_tier()
        if training is None or further is None or not panel.judges_each_alone(prompt):
            await self._ask_in_doubt(so_far, known, rules, lambda: training)
            return so_far.all_judgments

        def with_another() -> ForTraining:
            another = self._another(prompt, completions, prices, panel, further)
            return replace(training, another=another)

        await self._ask_in_doubt(so_far, known, rules, with_another, further)
        return so_far.all_judgments

    async def _ask_in_doubt(
        self,
        so_far: AskedSoFar,
        reliability: Reliability,
        rules: CascadeRules,
        training: Callable[[], ForTraining | None],
        further: Grows | None = None,
    ) -> None:
        while True:
            evidence = so_far.evidence
            bundle = self._next(so_far, evidence, reliability, rules, training())
            if not bundle:
                return
            if further is not None and is_about_another(bundle, len(evidence.completion_ids)):
                await so_far.take(further)
            else:
                await so_far.ask(bundle)

    def _for_training(
        self, prompt: Prompt, completions: Sequence[Completion], prices: Sequence[float]
    ) -> ForTraining | None:
        """Without prices each call counts the same: one for a completion and each question."""
        if self._training is None:
            return None
        price = self._training.prompt_price(prompt, completions) if prices else None
        if not price:
            questions = [judge.questions(len(completions)) for judge in self._panel.first_tier]
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
        so_far: AskedSoFar,
        evidence: Evidence,
        reliability: Reliability,
        rules: CascadeRules,
        training: ForTraining | None,
    ) -> Bundle:
        if len(evidence.completion_ids) < _PAIR_SIZE:
            return ()
        return next_bundle(
            evidence,
            so_far.options,
            reliability,
            rules,
            so_far.spent,
            asked=so_far.times_asked(evidence.completion_ids),
            vetoed=so_far.vetoed(evidence.completion_ids),
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
