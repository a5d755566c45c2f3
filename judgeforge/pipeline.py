"""The flow of all prompts: each travels on its own, many at once, the number in flight bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from judgeforge.admission import Admission
from judgeforge.calls.answer import Asks
from judgeforge.calls.claim import Claim, claiming
from judgeforge.config import RunConfig
from judgeforge.errors import BudgetExhaustedError, InterruptedRunError, JudgeforgeError
from judgeforge.judging.panel import Panel
from judgeforge.pair_records import make_pairs
from judgeforge.pairing import select_pairs
from judgeforge.ranking import rank
from judgeforge.records import Completion, Judgment, Prompt, RubricId, Skip, SkipReason
from judgeforge.sampling import ready_completions, sample_completions, usable
from judgeforge.store.outcome import Outcome, make_outcome
from judgeforge.suspicion import is_suspicious
from judgeforge.veto import with_vetoes


@dataclass(frozen=True, slots=True)
class PromptWork:
    """Takes one prompt the whole way."""

    config: RunConfig
    rubric: RubricId
    gateway: Asks
    panel: Panel

    async def __call__(self, prompt: Prompt) -> Outcome:
        completions = await self._completions(prompt)
        candidates = self._candidates(completions)
        if len(candidates) < 2:
            return self._skipped(
                prompt, SkipReason.TOO_FEW_COMPLETIONS, _why_unusable(completions), completions
            )
        judgments = await self.panel.judge(prompt, candidates)
        return self._paired(prompt, completions, judgments)

    def _candidates(self, completions: Sequence[Completion]) -> list[Completion]:
        """Those that are judged. A suspicious one could sway what a judge says of the others."""
        candidates = usable(completions)
        if not self.config.pairing.reject_suspicious:
            return candidates
        return [one for one in candidates if not is_suspicious(one.flags)]

    async def _completions(self, prompt: Prompt) -> list[Completion]:
        if prompt.completions or self.config.sampling is None:
            return ready_completions(prompt)
        return await sample_completions(prompt, self.config.sampling, self.gateway)

    def _paired(
        self, prompt: Prompt, completions: list[Completion], judgments: list[Judgment]
    ) -> Outcome:
        ranking = with_vetoes(rank(judgments), judgments)
        if len(ranking.completion_ids) < 2:
            missing = [j.missing for j in judgments if j.missing]
            detail = f"fewer than two completions could be judged; {_most_common(missing)}"
            return self._skipped(prompt, SkipReason.TOO_FEW_JUDGED, detail, completions, judgments)
        texts = {completion.id: completion.text for completion in completions}
        selection = select_pairs(ranking, self.config.pairing, texts=texts)
        if selection.reason is not None:
            detail = selection.detail or ""
            skip = _skip(prompt, selection.reason, detail)
            pairs = []
        else:
            skip = None
            pairs = make_pairs(
                prompt,
                selection.pairs,
                completions={completion.id: completion for completion in completions},
                judgments=judgments,
                rubric=self.rubric,
                strategy=self.config.pairing.strategy,
            )
        return make_outcome(
            prompt_id=prompt.id,
            digest=prompt.digest,
            completions=completions,
            judgments=judgments,
            ranking=ranking,
            pairs=pairs,
            skip=skip,
        )

    def _skipped(
        self,
        prompt: Prompt,
        reason: SkipReason,
        detail: str,
        completions: Sequence[Completion],
        judgments: Sequence[Judgment] = (),
    ) -> Outcome:
        if completions and all(one.finish == "failed" for one in completions):
            reason = SkipReason.CALL_FAILED
        return make_outcome(
            prompt_id=prompt.id,
            digest=prompt.digest,
            completions=completions,
            judgments=judgments,
            skip=_skip(prompt, reason, detail),
        )


def _skip(prompt: Prompt, reason: SkipReason, detail: str) -> Skip:
    return Skip(prompt_id=prompt.id, line=prompt.line, reason=reason, detail=detail)


def _why_unusable(completions: Sequence[Completion]) -> str:
    ends = [", ".join((one.finish, *one.flags)) for one in completions]
    return (
        f"of {len(completions)} completions fewer than two are usable and distinct: "
        + "; ".join(ends)
    )


def _most_common(reasons: Sequence[str]) -> str:
    if not reasons:
        return "no judge was asked"
    return "most often: " + max(reasons, key=reasons.count)


class Pipeline:
    """Runs ``work`` over prompts until they are done or something stops it.

    A budget that is used up starts no new prompt and lets those under way end as they can. Any
    other stop (interrupt, key, disk) ends them after what is in flight was stored.
    """

    def __init__(
        self,
        work: Callable[[Prompt], Awaitable[Outcome]],
        *,
        in_flight: int,
        admission: Admission,
        finish: Callable[[int, Outcome], None],
        halt: Callable[[], None],
    ) -> None:
        self._work = work
        self._most = in_flight
        self._admission = admission
        self._finish = finish
        self._halt = halt
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False
        self._changed = asyncio.Event()
        """Set when a prompt is done, and when the run is to end."""
        self.halted = asyncio.Event()
        """Set once nothing more is sent and only calls in flight are waited for."""
        self.stopped_by: BaseException | None = None

    def stop(self, error: BaseException) -> None:
        """End the run: nothing new is started. The first reason is kept."""
        if self.stopped_by is None or isinstance(self.stopped_by, BudgetExhaustedError):
            self.stopped_by = error
        self._ended = True
        self._changed.set()
        self._admission.stop()
        if not isinstance(error, BudgetExhaustedError):
            self._halt()
            self.halted.set()

    async def run(self, rows: Iterator[tuple[int, Prompt | Skip]]) -> None:
        try:
            for position, row in rows:
                if isinstance(row, Skip):
                    self._finish(
                        position, make_outcome(prompt_id=row.prompt_id, digest="", skip=row)
                    )
                    continue
                if not await self._room():
                    break
                claim = await self._admission.admit(row)
                if self._ended:
                    self._admission.ended(claim)
                    break
                task = asyncio.create_task(self._one(position, row, claim))
                self._tasks.add(task)
                task.add_done_callback(self._done)
        except JudgeforgeError as error:
            self.stop(error)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _room(self) -> bool:
        """Wait for a free place; False once the run is to end."""
        while len(self._tasks) >= self._most and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        return not self._ended

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _one(self, position: int, prompt: Prompt, claim: Claim) -> None:
        try:
            with claiming(claim):
                outcome = await self._work(prompt)
            self._finish(position, outcome)
        except InterruptedRunError:
            return  # the reason of the stop is already known
        except Exception as error:  # noqa: BLE001 (kept, and raised again by the assembly)
            self.stop(error)
        finally:
            self._admission.ended(claim)
