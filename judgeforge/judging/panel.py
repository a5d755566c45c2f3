"""All judges of a run on the completions of one prompt: asked now, or answering from a record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Protocol, Self, TypedDict, TypeVar, Unpack

from judgeforge.calls.call import Asks, NoCalls, gather_or_cancel
from judgeforge.config.judges import JudgeConfig
from judgeforge.judging.checks.programs import Task, Verdict
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.judging.judge import form_note, make_judge
from judgeforge.judging.layout import NEWEST_LAYOUT, Layout
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.own_prompts import OF_THE_HOUSE, OwnPrompt
from judgeforge.judging.programs.deciding import Decides, NoPrograms
from judgeforge.judging.rubric import Rubric
from judgeforge.judging.verification import (
    JUDGE_NAME,
    deciding,
    is_settled,
    left_to_judges,
    run_checks,
    tasks_for,
)
from judgeforge.ranking.rules import first_tier
from judgeforge.records import Completion, Judgment, Prompt, Question


class PanelSettings(TypedDict, total=False):
    show_reasoning: bool
    """Whether judges see what a model thought before it answered."""
    layout: Layout
    """Of what they are sent."""
    programs: Decides | None
    """What decides checks that code in this process cannot."""


class Panel:
    """Judges everything at once (``judge``), or step by step (``check``, ``questions``, ``ask``).

    Judgments come in an order that never depends on time.
    """

    def __init__(
        self,
        judges: Sequence[JudgeConfig],
        rubric: Rubric,
        gateway: Asks,
        own_family: OwnFamily | None = None,
        **settings: Unpack[PanelSettings],
    ) -> None:
        self.judges = tuple(judges)
        self._show_reasoning = settings.get("show_reasoning", False)
        self._own_family = own_family or OwnFamily()
        self._configs = {judge.label: judge for judge in judges}
        self._gateway, self._layout = gateway, settings.get("layout", NEWEST_LAYOUT)
        self._words: Mapping[str, OwnPrompt] = {}
        self._programs: Decides = settings.get("programs") or NoPrograms()
        self._use(rubric)

    def _use(self, rubric: Rubric) -> None:
        self._rubric = rubric
        self._asked = {
            one.label: make_judge(
                one,
                rubric,
                self._gateway,
                layout=self._layout,
                own=self._words.get(one.label, OF_THE_HOUSE),
            )
            for one in self.judges
        }

    def in_words(self, words: Mapping[str, OwnPrompt]) -> Self:
        """The same judges, of whom some (by label) are asked in other words than the house's."""
        if not words:
            return self
        other = copy(self)
        other._words = words
        other._use(self._rubric)
        return other

    def by(self, rubric: Rubric) -> Self:
        """The same judges, who judge by another rubric: that of one prompt."""
        if rubric is self._rubric:
            return self
        other = copy(self)
        other._use(rubric)
        return other

    @property
    def labels(self) -> frozenset[str]:
        """What its judgments name as their judge: models, and code."""
        return frozenset({*self._configs, JUDGE_NAME})

    @property
    def first_tier(self) -> list[JudgeConfig]:
        """Those that are always asked; without tiers all of them."""
        tier = first_tier(self.judges)
        return [judge for judge in self.judges if judge.tier == tier]

    async def judge(
        self, prompt: Prompt, completions: Sequence[Completion], *, more: int = 0
    ) -> list[Judgment]:
        """Checks first, then every round of every judge, and this many ``more`` of each.

        Where verifiers settle the prompt, no judge is asked.
        """
        checked = await self.check(prompt, completions)
        if self.is_settled(prompt, checked):
            return checked
        questions = [
            question
            for judge in self.judges
            for repeat in range(judge.repeats + more)
            for question in self.questions(judge.label, completions, repeat)
        ]
        asked = await self.ask(prompt, completions, questions)
        return [*checked, *asked]

    def is_settled(self, prompt: Prompt, checked: Sequence[Judgment]) -> bool:
        """Whether what code found (``check``) is all that is needed: judges are not asked then."""
        return self._asks and bool(deciding(self._rubric, prompt)) and is_settled(checked)

    def judges_each_alone(self, prompt: Prompt) -> bool:
        """Whether a completion can be judged beside others that were judged before: what code finds
        does not settle the prompt, and the first tier sees one at a time."""
        alone = all(judge.shows == "one" for judge in self.first_tier)
        return alone and not (self._asks and deciding(self._rubric, prompt))

    def first_to_judge(self, writer: str) -> frozenset[str]:
        """The labels of those in the first tier that are asked about a completion of the writer."""
        blank = Completion(id="", prompt_id="", index=0, model=writer, text="", finish="stop")
        labels = (judge.label for judge in self.first_tier)
        return frozenset(label for label in labels if self.questions(label, [blank]))

    @property
    def _asks(self) -> bool:
        return bool(self._rubric.judged and self.judges)

    async def check(self, prompt: Prompt, completions: Sequence[Completion]) -> list[Judgment]:
        """What code verifies, free of charge; nothing where the rubric has no checks.

        In a thread, one completion at a time: calls go on while a long text is checked.
        """
        if not self._rubric.checked:
            return []
        verdicts = await self._verdicts(prompt, completions)
        found = await self._checked(prompt, completions, verdicts)
        names = deciding(self._rubric, prompt) if self._asks else frozenset[str]()
        if not names or is_settled(found):
            return found
        rest = [
            run_checks(self._rubric, prompt, one, verdicts, without=names) for one in completions
        ]
        return left_to_judges(found, rest, names)

    async def _checked(
        self,
        prompt: Prompt,
        completions: Sequence[Completion],
        verdicts: Mapping[Task, Verdict],
    ) -> list[Judgment]:
        checked = [
            await asyncio.to_thread(run_checks, self._rubric, prompt, completion, verdicts)
            for completion in completions
        ]
        return [judgment for judgment in checked if judgment is not None]

    async def _verdicts(
        self, prompt: Prompt, completions: Sequence[Completion]
    ) -> dict[Task, Verdict]:
        """Of all programs that the checks of these completions need."""
        if not self._rubric.has_programs:
            return {}
        tasks = [
            task
            for completion in completions
            for task in await asyncio.to_thread(tasks_for, self._rubric, prompt, completion)
        ]
        wanted = list(dict.fromkeys(tasks))
        found = await gather_or_cancel(self._programs.decide(task) for task in wanted)
        return dict(zip(wanted, found, strict=True))

    def questions(
        self, judge: str, completions: Sequence[Completion], repeat: int = 0
    ) -> list[Question]:
        """One round of asking the judge of this label about completions of one prompt.

        Those of the judge's own family may be left out. Nothing where the rubric leaves nothing to
        a judge. Raises KeyError for an unknown label.
        """
        asked = self._asked[judge]
        if not self._rubric.judged:
            return []
        judged = self._own_family.judged_by(self._configs[judge], completions)
        return asked.questions([completion.id for completion in judged], repeat)

    async def ask(
        self, prompt: Prompt, completions: Sequence[Completion], questions: Sequence[Question]
    ) -> list[Judgment]:
        """Ask just these, all at once: one judgment for each, in the same order.

        ``completions`` are those that the questions are about, and may be more.
        """
        by_id = {completion.id: self._as_seen(completion) for completion in completions}
        return await gather_or_cancel(self._ask(prompt, by_id, question) for question in questions)

    def _as_seen(self, completion: Completion) -> Completion:
        if self._show_reasoning or completion.reasoning is None:
            return completion
        return completion.model_copy(update={"reasoning": None})

    async def _ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        judgment = await self._asked[question.judge].ask(prompt, completions, question)
        judge = self._configs[question.judge]
        own = tuple(
            each
            for each in question.completion_ids
            if self._own_family.is_own(judge, completions[each].model)
        )
        return judgment.model_copy(update={"own_family": own}) if own else judgment


class TriedPanel(Panel):
    """The panel of a run, whose judges are asked with care until a reply of them could be read."""

    def __init__(
        self,
        judges: Sequence[JudgeConfig],
        rubric: Rubric,
        gateway: FirstReplies,
        own_family: OwnFamily | None = None,
        **settings: Unpack[PanelSettings],
    ) -> None:
        super().__init__(judges, rubric, gateway, own_family, **settings)
        self.first_replies = gateway

    async def _ask(
        self, prompt: Prompt, completions: Mapping[str, Completion], question: Question
    ) -> Judgment:
        judge, ask = self._configs[question.judge], super()._ask
        judgment = await self.first_replies.judgment(
            judge, prompt.id, lambda: ask(prompt, completions, question)
        )
        form = self.first_replies.other_form(judge.model)
        if form is None:
            return judgment
        return judgment.model_copy(update={"note": form_note(form, judgment.note)})


class RecordedPanel(Panel):
    """Answers from recorded judgments: shows what a cascade would have asked.

    Nothing is sent, and nothing in it waits.
    """

    def __init__(
        self,
        judges: Sequence[JudgeConfig],
        rubric: Rubric,
        judgments: Iterable[Judgment],
        own_family: OwnFamily | None = None,
        **settings: Unpack[PanelSettings],
    ) -> None:
        super().__init__(judges, rubric, NoCalls(), own_family, **settings)
        self._judgments = {
            (one.prompt_id, one.judge, one.completion_ids, one.repeat): one for one in judgments
        }

    async def check(self, prompt: Prompt, completions: Sequence[Completion]) -> list[Judgment]:
        """As code found it then."""
        keys = [(prompt.id, JUDGE_NAME, (one.id,), 0) for one in completions]
        return [self._judgments[key] for key in keys if key in self._judgments]

    async def ask(
        self, prompt: Prompt, completions: Sequence[Completion], questions: Sequence[Question]
    ) -> list[Judgment]:
        """Raises KeyError for a question that was not asked."""
        del completions
        return [
            self._judgments[prompt.id, one.judge, one.completion_ids, one.repeat]
            for one in questions
        ]


A_contra = TypeVar("A_contra", contravariant=True)
PanelT_co = TypeVar("PanelT_co", bound=Panel, covariant=True)


class PanelKind(Protocol[A_contra, PanelT_co]):
    """A kind of ``Panel``; what it gets its answers from is the third of what it takes."""

    def __call__(
        self,
        judges: Sequence[JudgeConfig],
        rubric: Rubric,
        asked: A_contra,
        own_family: OwnFamily,
        /,
        **settings: Unpack[PanelSettings],
    ) -> PanelT_co: ...
