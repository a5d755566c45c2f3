"""A run folder that stays open while a training goes on: rows come one by one, results at the end.

It lives on a loop in a thread of its own, so any thread and any other loop may ask. What is judged
is in the journal before its reward is given, and every reply in the cache before it is used: a
training that is killed and started again in the same folder pays for nothing twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from judgeforge.calls.telemetry.recording import Telemetry, configured
from judgeforge.errors import BudgetExhaustedError, ConfigError, InterruptedRunError
from judgeforge.records import Prompt
from judgeforge.runs.manifest import now
from judgeforge.runs.preparation.identity import differences, first_of
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.preparation.worklist import Worklist
from judgeforge.runs.progress import watch_for_stall
from judgeforge.runs.result import RunResult
from judgeforge.runs.reward.own_loop import OwnLoop
from judgeforge.runs.reward.scoring import Judged, Score, Scoring
from judgeforge.runs.reward.settings import RewardSettings
from judgeforge.runs.session import RunSession
from judgeforge.runs.start import Start, StartOptions
from judgeforge.runs.telemetry import telling_batch
from judgeforge.runs.wiring import Parts, wired
from judgeforge.store.durable_files import AppendedFile
from judgeforge.store.fit import write_fit
from judgeforge.store.folder import RunFolder, refuse_foreign_files
from judgeforge.store.journal import FinishedPrompts, Journal
from judgeforge.store.lock import FolderLock
from judgeforge.text.redaction import redact

Scored = Sequence[Score] | BudgetExhaustedError
"""Of one group; the budget may be used up before it is judged."""


class RewardSession:
    def __init__(self, settings: RewardSettings) -> None:
        """Open the folder. Raises ConfigError, LockHeldError and StoreError."""
        self._settings = settings
        self._folder = RunFolder(settings.folder)
        self._loop = OwnLoop("judgeforge-reward")
        self._ended: asyncio.Event
        self._alone: asyncio.Lock
        self._slots: asyncio.Semaphore
        self.prepared: Preparation
        self._parts: Parts
        self._run: RunSession
        self._scoring: Scoring
        self._sign: Callable[[], None]
        self._telemetry: Telemetry | None
        self._rewards: AppendedFile
        self._opened: Future[None] = Future()
        self._life = self._loop.submit(self._live())
        try:
            self._opened.result()
        except BaseException:
            self._loop.close()
            raise

    @property
    def cost_usd(self) -> float | None:
        """Of the folder so far; None where a price is unknown."""
        return self._parts.files.budget.spending().cost_usd

    def score(
        self, prompts: Sequence[Prompt], refused: Sequence[str], step: int | None
    ) -> Future[list[Scored]]:
        """Of each prompt's completions, from any thread. ``refused``: why each completion of no
        valid prompt has no reward. The future raises CallError and StoreError, which end the
        session."""
        return self._loop.submit(self._score_told(prompts, refused, step))

    def close(self) -> RunResult:
        """Write the result files and give the folder back."""
        self._loop.submit(self._end())
        try:
            return self._life.result()
        finally:
            self._loop.close()

    def let_go(self) -> Future[RunResult]:
        """As ``close``, without waiting for it."""
        self._life.add_done_callback(lambda _: self._loop.stop())
        self._loop.submit(self._end())
        return self._life

    async def _end(self) -> None:
        self._ended.set()

    async def _live(self) -> RunResult:
        self._ended, self._alone = asyncio.Event(), asyncio.Lock()
        try:
            return await self._hold()
        except BaseException as error:
            if not self._opened.done():
                self._opened.set_exception(error)
            raise

    async def _hold(self) -> RunResult:
        folder, self.prepared = self._folder, self._settings.prepared()
        refuse_foreign_files(folder)
        folder.create()
        with (
            FolderLock(folder.lock_file) as lock,
            closing(Journal(folder.journal_file)) as journal,
            closing(AppendedFile(folder.rewards)) as self._rewards,
        ):
            self._close_torn_line()
            start = _start(self.prepared, folder, journal)
            if self._settings.fit is not None:
                write_fit(folder.reliability_file, self._settings.fit)
            since = now()
            self._sign = lambda: lock.sign(since=since, journal_bytes=journal.size)
            self._sign()
            with start.work.skips:
                self._telemetry = configured()
                async with wired(start, check_lock=lock.check, telemetry=self._telemetry) as parts:
                    return await self._work(start, parts)

    async def _work(self, start: Start, parts: Parts) -> RunResult:
        self._parts, self._run = parts, RunSession(start, parts)
        self._run.check_disk()
        parts.files.log.event("reward_opened", judged_before=start.work.tally.prompts)
        parts.files.disk.begin()
        parts.record.begin()
        self._slots = asyncio.Semaphore(start.config.limits.concurrency)
        self._scoring = Scoring(start, parts, self._telemetry, learn_from=self._settings.learn_from)
        self._opened.set_result(None)
        await self._ended.wait()
        parts.door.stop()
        await parts.door.drain(start.config.limits.grace_s)
        parts.record.input_grew()
        return self._run.conclude()

    def _close_torn_line(self) -> None:
        if self._rewards.last_line_end() != self._rewards.end:
            self._rewards.append(b"\n")

    async def _score_told(
        self, prompts: Sequence[Prompt], refused: Sequence[str], step: int | None
    ) -> list[Scored]:
        with telling_batch(self._telemetry, step, len(prompts)):
            return await self._score_all(prompts, refused, step)

    async def _score_all(
        self, prompts: Sequence[Prompt], refused: Sequence[str], step: int | None
    ) -> list[Scored]:
        self._raise_if_stopped()
        self._run.check_disk()
        watch = asyncio.create_task(
            watch_for_stall(
                self._settings.config.limits.stall_s,
                progress=self._run.advance,
                what_it_waits_for=self._parts.door.what_it_waits_for,
                stop=self._parts.pipeline.stop,
                look_again=self._parts.door.look_again,
            )
        )
        try:
            judged = await asyncio.gather(*(self._judge(one) for one in prompts))
        except InterruptedRunError:
            self._raise_if_stopped()
            raise
        finally:
            watch.cancel()
        paid = [
            (prompt, one)
            for prompt, one in zip(prompts, judged, strict=True)
            if not isinstance(one, BudgetExhaustedError)
        ]
        scores = iter(self._scoring.conclude(paid))
        found: list[Scored] = [
            one if isinstance(one, BudgetExhaustedError) else next(scores) for one in judged
        ]
        for prompt, scored in zip(prompts, found, strict=True):
            self._keep(_explained(prompt, scored), step)
        self._keep([Score(None, None, why=problem) for problem in refused], step)
        self._show()
        return found

    def _show(self) -> None:
        """How far it is, to whoever looks at the folder meanwhile."""
        self._parts.record.input_grew()
        self._parts.record.begin()
        self._sign()

    async def _judge(self, prompt: Prompt) -> Judged | BudgetExhaustedError:
        """The first groups go alone, until the judges could be read."""
        first = self._parts.pipeline.first
        try:
            async with self._slots:
                if not first.are_over:
                    async with self._alone:
                        if not first.are_over:
                            return await self._scoring.judge(prompt)
                return await self._scoring.judge(prompt)
        except BudgetExhaustedError as error:
            return error
        except Exception as error:
            self._parts.pipeline.stop(error)
            raise

    def _raise_if_stopped(self) -> None:
        """What ended the session, again: a trainer that goes on must not go on without rewards."""
        if self._parts.pipeline.stopped_by is not None:
            raise self._parts.pipeline.stopped_by

    def _keep(self, scores: Sequence[Score], step: int | None) -> None:
        time, how = now(), "frozen" if self._scoring.is_frozen else "learning"
        for one in scores:
            row = {
                "time": time,
                "step": step,
                "completion_id": one.completion_id,
                "reward": one.value,
                "sd": one.sd,
                "judges": how,
                **({} if one.why is None else {"why": redact(one.why)}),
            }
            self._rewards.append(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _explained(prompt: Prompt, scored: Scored) -> Sequence[Score]:
    if not isinstance(scored, BudgetExhaustedError):
        return scored
    ids = (f"{prompt.id}.c{number}" for number in range(len(prompt.completions)))
    return [Score(each, None, why=str(scored)) for each in ids]


def _start(prepared: Preparation, folder: RunFolder, journal: Journal) -> Start:
    """The rows of the folder are those that were judged in it. Raises ConfigError where these were
    judged in another way."""
    previous = folder.read_manifest()
    if previous is not None:
        changed = differences(_judged_by(previous.identity), _judged_by(prepared.identity))
        if changed:
            raise ConfigError(
                f"{folder.path} was made with another configuration ({first_of(changed)}). Use "
                "another `out` (calls that stay the same come from the cache)."
            )
    work, finished = Worklist(), FinishedPrompts(journal.entries())
    for _, entry in journal.entries():
        work.digests.append(entry.digest)
        work.places.append(entry.offset)
        work.tally.add(entry)
    return Start(prepared, folder, journal, work, finished, previous, False, StartOptions())


def _judged_by(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Where prompts come from is the trainer's business."""
    return {name: part for name, part in identity.items() if name != "prompts"}
