"""Takes one prompt the whole way: completions, judgments, ranking, pairs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from judgeforge.calls.call import Asks, others_as_far
from judgeforge.config.run import RunConfig
from judgeforge.judging.panel import Panel
from judgeforge.ranking.pairing.delta import DesignedPair, is_audited
from judgeforge.ranking.pairing.length_limits import Tokens
from judgeforge.ranking.pairing.selection import Trust
from judgeforge.ranking.rank import rank
from judgeforge.ranking.ranking import Ranking
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import Completion, JudgedPrompt, Judgment, Prompt, RubricId, SkipReason
from judgeforge.runs.concluding import by_design, design, paired, skip_of, texts_of
from judgeforge.runs.equal_draws import EqualDraws
from judgeforge.runs.own_criteria import OwnCriteriaWork, PromptsOwn
from judgeforge.runs.preparation.extra_judgments import Measure
from judgeforge.sampling.further import FurtherCompletions
from judgeforge.sampling.sampling import ready_completions, sample_completions, usable
from judgeforge.store.finished_prompt import FinishedPrompt, finished_prompt
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.calibration.calibration import Calibration
    from judgeforge.judging.elsewhere.applied import Elsewhere
    from judgeforge.judging.escalation import Escalation, OnceKnown


class TakesThrough(Protocol):
    """What a pipeline needs of the work on a prompt; see ``PromptWork``."""

    async def judge(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool = False
    ) -> JudgedPrompt | FinishedPrompt: ...

    def conclude(self, judged: JudgedPrompt, reliability: Reliability) -> FinishedPrompt: ...


@dataclass(frozen=True, slots=True)
class PromptWork:
    config: RunConfig
    rubric: RubricId
    gateway: Asks
    panel: Panel
    escalation: Escalation | None = None
    """Asks more where the pair is in doubt; without it all judges are asked everything."""
    calibration: Calibration | None = None
    """What labels have shown of the judges."""
    trust: Trust | None = None
    """What follows from that for pairs."""
    tokens: Tokens | None = None
    """Counts those of a text; None where they are estimated."""
    equal_draws: EqualDraws | None = None
    on_reading_failure: Callable[[Judgment], None] = lambda _: None
    """Told of each judgment that is missing because reading its reply failed unexpectedly."""
    measure: Measure | None = None
    """What is bought on some of the first prompts to measure the judges."""
    asks_nobody: bool = False
    """Whether the run names no judge for what its rubric leaves to judges."""
    elsewhere: Elsewhere | None = None
    """What others have judged."""
    own: OwnCriteriaWork | None = None
    """Finds the criteria of each prompt's own; None where there are none."""
    sampled_before: Callable[[Prompt], Sequence[Completion]] = lambda _: ()
    """The completions of a prompt that an earlier start sampled and did not judge."""
    least: int = 2
    """Completions that make a prompt worth judging: one, where scores are wanted and no pair."""

    async def judge(
        self, prompt: Prompt, reliability: OnceKnown, *, is_measured: bool = False
    ) -> JudgedPrompt | FinishedPrompt:
        """Sample and judge; finished at once where there is nothing to judge.

        ``is_measured``: more is asked, to measure the judges.
        """
        completions, own = await self._completions_and_criteria(prompt)
        await others_as_far()
        candidates = self._candidates(completions)
        if len(candidates) < self.least:
            detail = _why_unusable(completions)
            judged = JudgedPrompt(prompt, completions, ())
            return self._skipped(judged, SkipReason.TOO_FEW_COMPLETIONS, detail)
        if self.config.pairing.by_design:
            of_row = None if self.own is None else self.own.rubrics.of_row(prompt)
            panel = self.panel if of_row is None else self.panel.by(of_row)
            checks = await panel.check(prompt, candidates)
            designed = self._design(prompt, completions, checks)
            if designed.reason is not None or not is_audited(self.config.pairing, prompt.id):
                found = JudgedPrompt(prompt, completions, checks)
                return by_design(found, designed, self.config, self.rubric)
            candidates = [one for one in candidates if one.id in designed.ids]
        if self.asks_nobody and not self._brought(prompt, completions, candidates):
            return self._not_judged(JudgedPrompt(prompt, completions, ()))
        if self.own is not None:
            own = own or await self.own.of(prompt, candidates)
            if own.problem is not None:
                judged = JudgedPrompt(prompt, completions, ())
                detail = f"no criteria could be written: {own.problem}"
                return self._skipped(judged, SkipReason.CRITERIA_NOT_WRITTEN, detail)
        panel = self.panel if own is None else self.panel.by(own.rubric)
        further = self._further(prompt, completions)
        judgments = await self._judgments(
            prompt, candidates, further, reliability, panel, is_measured=is_measured
        )
        for judgment in judgments:
            if judgment.missing_kind == "reading_failed":
                self.on_reading_failure(judgment)
        candidates = [*candidates, *self._candidates(further.added)]
        self._tell_unused(prompt, further.completions, candidates)
        return JudgedPrompt(prompt, further.completions, judgments, own.kept if own else None)

    async def _judgments(
        self,
        prompt: Prompt,
        candidates: Sequence[Completion],
        further: FurtherCompletions,
        reliability: OnceKnown,
        panel: Panel,
        *,
        is_measured: bool,
    ) -> list[Judgment]:
        measured = self.measure if is_measured else None
        more = self.config.judging.fit_repeats if measured == "repeats" else 0

        def brought(judged: Sequence[Completion]) -> list[Judgment]:
            return self._brought(prompt, further.completions, judged)

        if self.escalation is None:
            found = await panel.judge(prompt, candidates, more=more)
            return [*found, *brought(candidates)]
        return await self.escalation.judge(
            prompt,
            candidates,
            reliability,
            brought=brought,
            rounds=0 if measured is None else 1 + more,
            panel=panel,
            further=further,
        )

    def judge_again(self, judged: JudgedPrompt) -> JudgedPrompt | FinishedPrompt:
        """A prompt of an earlier start with what others say of it now; nothing is asked."""
        completions, ours = judged.completions, self.panel.labels
        kept = [one for one in judged.judgments if one.judge in ours]
        candidates = self._candidates(completions)
        brought = self._brought(judged.prompt, completions, candidates)
        if self.asks_nobody and not brought:
            return self._not_judged(JudgedPrompt(judged.prompt, completions, ()))
        self._tell_unused(judged.prompt, completions, candidates)
        return replace(judged, judgments=[*kept, *brought])

    def conclude(self, judged: JudgedPrompt, reliability: Reliability) -> FinishedPrompt:
        """Rank and pair."""
        judgments, completions = judged.judgments, judged.completions
        designed = None
        if self.config.pairing.by_design:
            designed = self._design(judged.prompt, completions, judgments)
            if designed.reason is not None or not is_audited(self.config.pairing, judged.prompt.id):
                return by_design(judged, designed, self.config, self.rubric)
        ranking = self.ranked(judged, reliability, designed)
        return self.concluded(judged, ranking, designed)

    def ranked(
        self, judged: JudgedPrompt, reliability: Reliability, designed: DesignedPair | None = None
    ) -> Ranking:
        ranking = rank(
            judged.judgments,
            completion_ids=self._ranked(judged.completions, reliability, designed),
            reliability=reliability,
            texts=texts_of(judged.completions),
            writers={one.id: one.model for one in judged.completions},
        )
        if ranking.prompt_id != judged.prompt.id:  # of one without judgments it is not known
            ranking = ranking.model_copy(update={"prompt_id": judged.prompt.id})
        if self.calibration is None:
            return ranking
        return self.calibration.apply(ranking, self.config.pairing)

    def concluded(
        self, judged: JudgedPrompt, ranking: Ranking, designed: DesignedPair | None = None
    ) -> FinishedPrompt:
        """The pairs of a ranking, or why there are none."""
        if len(ranking.completion_ids) < 2:
            missing = [one.missing for one in judged.judgments if one.missing]
            detail = f"fewer than two completions could be judged; {_most_common(missing)}"
            scores = ranking if self.least < 2 else None
            return self._skipped(judged, SkipReason.TOO_FEW_JUDGED, detail, scores)
        return paired(
            judged,
            ranking,
            self.config,
            self._rubric_of(judged),
            trust=self.trust,
            tokens=self.tokens,
            designed=designed,
        )

    def _rubric_of(self, judged: JudgedPrompt) -> RubricId:
        if self.own is None:
            return self.rubric
        return self.own.rubrics.identity_of(judged.own_criteria)

    def _brought(
        self, prompt: Prompt, completions: Sequence[Completion], candidates: Sequence[Completion]
    ) -> list[Judgment]:
        if self.elsewhere is None:
            return []
        return self.elsewhere.about(prompt, completions, candidates)

    def _tell_unused(
        self, prompt: Prompt, completions: Sequence[Completion], candidates: Sequence[Completion]
    ) -> None:
        if self.elsewhere is not None:
            self.elsewhere.tell_unused(prompt, completions, candidates)

    def _not_judged(self, judged: JudgedPrompt) -> FinishedPrompt:
        completions = judged.completions
        self._tell_unused(judged.prompt, completions, self._candidates(completions))
        number = counted(len(usable(judged.completions)), "completion")
        detail = f"{number} can be judged and have not been judged yet"
        return self._skipped(judged, SkipReason.NOT_JUDGED, detail)

    def _candidates(self, completions: Sequence[Completion]) -> list[Completion]:
        """Those that are judged. A suspicious one could sway what a judge says of the others."""
        candidates = usable(completions)
        pairing = self.config.pairing
        if not pairing.reject_suspicious or pairing.filter_chosen_only:
            return candidates
        return [one for one in candidates if not one.signs]

    def _further(self, prompt: Prompt, completions: Sequence[Completion]) -> FurtherCompletions:
        return FurtherCompletions(
            prompt,
            self.config.sampling,
            self.gateway,
            completions,
            lambda one: bool(self._candidates([one])),
            thoughts_shown=self.config.judging.show_reasoning,
        )

    def _asks_about(self, prompt: Prompt) -> bool:
        designed = self.config.pairing.by_design
        return not self.asks_nobody and (not designed or is_audited(self.config.pairing, prompt.id))

    def _design(
        self, prompt: Prompt, completions: Sequence[Completion], checks: Sequence[Judgment]
    ) -> DesignedPair:
        return design(prompt, self._candidates(completions), checks, self.config, self.tokens)

    def _ranked(
        self,
        completions: Sequence[Completion],
        reliability: Reliability,
        designed: DesignedPair | None,
    ) -> Sequence[str] | None:
        """The ids in their order; None where it is that of the judgments."""
        if designed is not None:
            return designed.ids
        if not reliability.writers:
            return None
        return [one.id for one in self._candidates(completions)]

    async def _completions_and_criteria(
        self, prompt: Prompt
    ) -> tuple[Sequence[Completion], PromptsOwn | None]:
        """Criteria are written while answers are sampled, unless the writer is to see these."""
        own = self.own
        if own is None or not self._asks_about(prompt) or own.waits_for_answers(prompt):
            return await self._completions(prompt), None
        writing = asyncio.ensure_future(own.of(prompt))
        try:
            completions = await self._completions(prompt)
            return completions, await writing
        finally:
            writing.cancel()

    async def _completions(self, prompt: Prompt) -> list[Completion]:
        if before := self.sampled_before(prompt):
            return list(before)
        shown = self.config.judging.show_reasoning
        sampling, ready = self.config.sampling, len(prompt.completions)
        if sampling is None or not sampling.fresh(ready):
            return ready_completions(prompt, thoughts_shown=shown)
        completions = await sample_completions(prompt, sampling, self.gateway, thoughts_shown=shown)
        if self.equal_draws is not None:
            self.equal_draws.look_at(completions[ready:])
        return completions

    def _skipped(
        self,
        judged: JudgedPrompt,
        reason: SkipReason,
        detail: str,
        ranking: Ranking | None = None,
    ) -> FinishedPrompt:
        completions = judged.completions
        finishes = {one.finish for one in completions}
        if finishes == {"too_long"}:
            reason = SkipReason.TOO_LONG
        elif finishes and finishes <= {"failed", "too_long"}:
            reason = SkipReason.CALL_FAILED
        return finished_prompt(
            prompt_id=judged.prompt.id,
            digest=judged.prompt.digest,
            completions=completions,
            judgments=judged.judgments,
            ranking=ranking,
            skip=skip_of(judged, reason, detail, self.config.prompts.keep),
        )


def _why_unusable(completions: Sequence[Completion]) -> str:
    ends = "; ".join(", ".join((one.finish, *one.flags)) for one in completions)
    return f"of {len(completions)} completions fewer than two are usable and distinct: {ends}"


def _most_common(reasons: Sequence[str]) -> str:
    return f"most often: {max(reasons, key=reasons.count)}" if reasons else "no judge was asked"
