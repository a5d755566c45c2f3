"""The flow of all prompts: each travels on its own, many at once, the number in flight bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from judgeforge.calls.call import others_as_far
from judgeforge.calls.money.claims import Claim, claiming
from judgeforge.errors import AuditFailedError, BudgetExhaustedError, InterruptedRunError
from judgeforge.ranking.reliability.judges import Reliability
from judgeforge.records import JudgedPrompt, Prompt, Skip
from judgeforge.runs.admission import Admission
from judgeforge.runs.first_prompts import FirstPrompts, may_be_of_the_model
from judgeforge.runs.fit import RunFit
from judgeforge.runs.preparation.extra_judgments import is_measured
from judgeforge.runs.prompt_work import TakesThrough
from judgeforge.store.finished_prompt import FinishedPrompt, finished_prompt

_LETS_END = (BudgetExhaustedError, AuditFailedError)
"""Stops after which prompts under way end as they can."""


class Pipeline:
    """Runs ``work`` over prompts until they are done or something stops it.

    A budget that is used up, or an audit that fails, starts no new prompt and lets those under way
    end as they can. Any other stop (interrupt, key, disk) ends them after what is in flight was
    stored.
    """

    def __init__(
        self,
        work: TakesThrough,
        *,
        fit: RunFit,
        first: FirstPrompts,
        in_flight: int,
        admission: Admission,
        finish: Callable[[int, FinishedPrompt], None],
        again: Callable[[], Iterator[tuple[int, JudgedPrompt | FinishedPrompt]]] = lambda: iter(()),
        halt: Callable[[], None],
    ) -> None:
        self.work, self._fit, self.first = work, fit, first
        self._most_in_flight = in_flight
        self.admission = admission
        self._finish, self._again = finish, again
        self._halt = halt
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = False
        self._changed = asyncio.Event()
        """Set when a prompt is done, and when the run is to end."""
        self.halted = asyncio.Event()
        """Set once nothing more is sent and only calls in flight are waited for."""
        self.stopped_by: BaseException | None = None
        first.on_change = self._changed.set
        if first.replies is not None:
            first.replies.on_change = self._changed.set

    def stop(self, error: BaseException) -> None:
        """End the run: nothing new is started. The first reason is kept."""
        if self.stopped_by is None or isinstance(self.stopped_by, _LETS_END):
            self.stopped_by = error
        self._ended = True
        self.first.end()
        self._changed.set()
        self.admission.stop()
        if not isinstance(error, _LETS_END):
            self._fit.give_up()
            self._halt()
            self.halted.set()

    async def run(self, rows: Iterator[tuple[int, Prompt | Skip]]) -> None:
        held = asyncio.create_task(self._conclude_held())
        with self._stopping_at_errors():
            self._fit.close(await self._begin_all(rows))
        await asyncio.wait({held, *self._tasks})
        if not self.halted.is_set() or self.first.are_over:
            with self._stopping_at_errors():
                self._conclude_kept_back()

    async def _begin_all(self, rows: Iterator[tuple[int, Prompt | Skip]]) -> int | None:
        """The position of the first row that may not begin any more; None at the end of them."""
        for position, row in rows:
            if isinstance(row, Skip):
                self._finish(
                    position, finished_prompt(prompt_id=row.prompt_id, digest="", skip=row)
                )
                continue
            if not await self._room():
                return position
            if self.first.are_over:
                self._conclude_kept_back()
            goes_first = not self.first.are_over
            self.first.begin()
            claim = await self.admission.admit(row)
            claim.goes_first = goes_first
            if self._ended:
                self.admission.ended(claim, finished=False)
                return position
            learn = self._fit.begin(position, row.id)
            task = asyncio.create_task(self._take_through(position, row, claim, learn=learn))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        return None

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _room(self) -> bool:
        """Wait for a free place; False once the run is to end."""
        while not self._ended:
            under_way = len(self._tasks)
            if under_way < self._most_in_flight and self.first.may_begin(under_way):
                break
            self._changed.clear()
            try:
                async with asyncio.timeout(self.first.patience_s):
                    await self._changed.wait()
            except TimeoutError:
                self.first.begin_another()
        return not self._ended

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _take_through(
        self, position: int, prompt: Prompt, claim: Claim, *, learn: bool
    ) -> None:
        """``learn``: the prompt is one of those from which the judges' reliability is learnt."""
        judged: JudgedPrompt | FinishedPrompt | None = None
        try:
            with self._stopping_at_errors():
                with claiming(claim):
                    known = partial(self._fit.to_ask_with, prompt.id)
                    more = self._fit.learns_from(prompt.id) and is_measured(position, prompt.id)
                    judged = await self.work.judge(prompt, known, is_measured=more)
                await others_as_far()
                if isinstance(judged, FinishedPrompt):
                    if self.first.are_over or not may_be_of_the_model(judged):
                        self._finish(position, judged)
                    else:
                        self.first.keep_back((position, judged, None))
                elif not learn:
                    reliability = await self._fit.to_rank_with()
                    if self.first.are_over:
                        self._conclude(position, judged, reliability)
                    else:
                        self.first.keep_back((position, judged, reliability))
        finally:
            with self._stopping_at_errors():
                self.admission.ended(claim, finished=judged is not None)
                if learn:
                    self._fit.ended(position, judged)

    async def _conclude_held(self) -> None:
        """Of the prompts that wait for the fit, those of an earlier start included."""
        with self._stopping_at_errors():
            reliability = await self._fit.to_rank_with()
            for position, judged in self._fit.take_held():
                self._conclude(position, judged, reliability)
            if await self._fit.lasts():
                await self._rank_again(reliability)

    async def _rank_again(self, reliability: Reliability) -> None:
        """What others have judged anew: it needs no call, and lets those in flight go on."""
        for position, judged in self._again():
            if self.halted.is_set():
                return
            if isinstance(judged, FinishedPrompt):
                self._finish(position, judged)
            else:
                self._conclude(position, judged, reliability)
            await asyncio.sleep(0)

    def _conclude_kept_back(self) -> None:
        for position, judged, reliability in self.first.take():
            if isinstance(judged, FinishedPrompt):
                self._finish(position, judged)
            elif reliability is not None:
                self._conclude(position, judged, reliability)

    @contextmanager
    def _stopping_at_errors(self) -> Iterator[None]:
        try:
            yield
        except InterruptedRunError:
            return  # the reason of the stop is already known
        except Exception as error:  # noqa: BLE001 (kept, and told as a bug where it is one)
            self.stop(error)

    def _conclude(self, position: int, judged: JudgedPrompt, reliability: Reliability) -> None:
        self._finish(position, self.work.conclude(judged, reliability))
