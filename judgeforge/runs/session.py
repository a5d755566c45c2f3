"""The life of one start: runs the pipeline, watches over it, and concludes."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from judgeforge.errors import (
    BatchesPendingError,
    BugError,
    InterruptedRunError,
    JudgeforgeError,
    StoreError,
)
from judgeforge.runs.garbage import rare_garbage_collection
from judgeforge.runs.preparation.worklist import remaining
from judgeforge.runs.progress import (
    Progress,
    watch_for_stall,
    what_holds_it_up,
)
from judgeforge.runs.record import load_alone, load_for_the_end
from judgeforge.runs.result import RunResult
from judgeforge.runs.signals import stop_signals
from judgeforge.runs.start import Start
from judgeforge.runs.wiring import Parts
from judgeforge.store.atomic_files import check_free_space
from judgeforge.store.spending import to_usd

PROGRESS_EVERY_S = 0.5
DISK_EVERY_S = 2.0
BATCHES_EVERY_S = 0.2
_LOOK_AGAIN_S = 0.02


class RunSession:
    def __init__(self, start: Start, parts: Parts) -> None:
        self._start, self._config, self._folder = start, start.config, start.folder
        self._door = parts.door
        self._pipeline, self._record = parts.pipeline, parts.record
        self._expected_calls, self._programs = parts.expected_calls, parts.programs
        self._log, self._budget = parts.files.log, parts.files.budget
        self._cached_calls, self._disk = parts.files.cached_calls, parts.files.disk
        self._started, self._is_watched = time.monotonic(), False

    async def run(self, on_progress: Callable[[Progress], None] | None) -> RunResult:
        watchers = [asyncio.create_task(self._watch_disk())]
        self._is_watched = on_progress is not None
        if on_progress is not None:
            watchers.append(asyncio.create_task(self._report(on_progress)))
        try:
            self.check_disk()
            work = self._start.work
            self._log.event("run_started", rows=work.rows_at_issue, todo=work.todo)
            self._disk.begin()
            self._record.begin()
            if self._door.batches is not None:
                self._door.batches.begin()
            if self._door.team is not None:
                self._door.team.start()
            return await self._flow_and_conclude()
        finally:
            for watcher in watchers:
                watcher.cancel()
            if on_progress is not None:
                on_progress(replace(self.progress(), trouble=None))  # nothing is waited for

    async def _flow_and_conclude(self) -> RunResult:
        hung_up = partial(self._log.event, "terminal_closed")
        with stop_signals(self._interrupt, on_hangup=hung_up) as asked_to_stop:
            with rare_garbage_collection():
                await self._flow()
            result = self.conclude()
        return _interrupted_at_the_end(result) if asked_to_stop() else result

    def progress(self) -> Progress:
        failing = self._door.out_of_order()
        cost, reserved = self._budget.spending().cost_usd, to_usd(self._budget.reserved_pico)
        ahead, cached = self._door.reserved_ahead, self._door.cached_calls
        sent = max(0, self._record.paid_calls() - ahead)
        return Progress(
            prompts=self._start.work.rows_at_issue,
            done=self._record.tally.prompts,
            pairs=self._record.tally.pairs,
            paid_calls=sent,
            cached_calls=cached,
            cost_usd=None if cost is None else max(0.0, cost - reserved),
            reserved_usd=reserved,
            calls_done=max(0, sent - self._budget.in_flight + ahead) + cached,
            calls_expected=self._expected_calls.number,
            budget_usd=self._config.budget.usd,
            elapsed_s=time.monotonic() - self._started,
            done_before=self._record.done_before,
            out_of_order=failing,
            servers_out_of_order=self._door.servers_out_of_order(),
            trouble=what_holds_it_up(self._door, failing),
            notes=tuple(self._record.notes),
            batches=self._batches(),
        )

    def advance(self) -> tuple[float, int, int]:
        """Changes as long as anything comes back: replies, and verdicts of programs."""
        programs = self._programs.ended + self._door.programs_ended
        return self._door.heard_at, self._record.tally.prompts, programs

    def _batches(self) -> str | None:
        under_way = self._door.batches and self._door.batches.count
        return None if under_way is None else str(under_way)

    async def _flow(self) -> None:
        start = self._start
        checks = start.prepared.row_checks
        rows = remaining(start.config.prompts, checks, start.work, limit=start.options.limit)
        if self._is_watched:
            rows = self._expected_calls.learning_from(rows)
        flow = asyncio.create_task(self._pipeline.run(rows))
        halted = asyncio.create_task(self._drain_when_halted())
        leave = asyncio.create_task(self._leave_batches())
        watch = asyncio.create_task(
            watch_for_stall(
                self._config.limits.stall_s,
                progress=self.advance,
                what_it_waits_for=self._door.what_it_waits_for,
                stop=self._pipeline.stop,
                look_again=self._door.look_again,
            )
        )
        load = asyncio.create_task(self._load_meanwhile())
        try:
            await asyncio.shield(flow)
        except asyncio.CancelledError:
            # Ctrl-C without our own handler (a thread, a notebook): stop in order all the same.
            self._interrupt()
            await flow
        finally:
            for watcher in (halted, leave, watch, load):
                watcher.cancel()
        await self._door.drain(self._config.limits.grace_s)
        await self._door.close_team()

    async def _load_meanwhile(self) -> None:
        """While replies are awaited there is time for what only the end needs. The first has
        come by then: its request loads parts of the SDK, which two threads had better not do."""
        before = self._door.heard_at
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            if self._door.heard_at != before:
                load_alone()
                await asyncio.to_thread(load_for_the_end)
                return

    async def _leave_batches(self) -> None:
        """With ``--no-wait``: end once only batches are waited for, two looks in a row."""
        seen = 0
        while self._start.options.no_wait:
            await asyncio.sleep(BATCHES_EVERY_S)
            seen = seen + 1 if self._door.only_waits_for_batches else 0
            if seen > 1:
                self._pipeline.stop(
                    BatchesPendingError(
                        f"{self._batches()}; the same command collects them and goes on"
                    )
                )
                return

    async def _drain_when_halted(self) -> None:
        """After a stop, calls in flight have ``limits.grace_s`` to end; then they are given up."""
        await self._pipeline.halted.wait()
        await self._door.drain(self._config.limits.grace_s)
        self._pipeline.cancel()

    def conclude(self) -> RunResult:
        """Write all result files, of a run that has ended or was stopped."""
        error = self._pipeline.stopped_by
        if error is not None and not isinstance(error, JudgeforgeError):
            error = self._bug(error)
        error = self._unsynced(error)
        with contextlib.suppress(StoreError):  # a full disk is found again with the first result
            self._cached_calls.keep(self._door.cached_calls)
        manifest, code, error = self._record.conclude(error, bug=self._bug)
        # On a full disk the manifest has said why already, and so does the exit code.
        with contextlib.suppress(StoreError) if code == StoreError.exit_code else nullcontext():
            self._log.event("run_ended", status=manifest["status"], totals=manifest["totals"])
        notes = tuple(self._record.notes)
        return RunResult(self._folder.path, manifest, code, error, notes=notes)

    def _unsynced(self, error: JudgeforgeError | None) -> JudgeforgeError | None:
        """What stops the run, or else that its last records could not be forced onto the disk."""
        try:
            self._disk.sync()
        except StoreError as failure:
            return error or failure
        return error

    def _bug(self, error: BaseException) -> BugError:
        # Reporting a bug must not fail because the log is full.
        with contextlib.suppress(StoreError):
            shown = "".join(traceback.format_exception(error))
            self._log.event("bug", error=repr(error), traceback=shown)
        return BugError(error, self._folder.log)

    def _interrupt(self) -> None:
        trouble = what_holds_it_up(self._door, self._door.out_of_order())
        before = "" if trouble is None else f" while {trouble}"
        self._pipeline.stop(
            InterruptedRunError(
                f"interrupted{before}; the same command goes on where this one stopped"
            )
        )

    def check_disk(self) -> None:
        """Raises StoreError where a disk has failed or is nearly full."""
        self._disk.check()
        places = [self._folder.path, self._config.cache_dir]
        if self._config.ledger_file is not None:
            places.append(self._config.ledger_file.parent)
        check_free_space(places, self._config.limits.min_free_mb)

    async def _watch_disk(self) -> None:
        while True:
            await asyncio.sleep(DISK_EVERY_S)
            try:
                self.check_disk()
            except StoreError as error:
                self._pipeline.stop(error)
                return

    async def _report(self, on_progress: Callable[[Progress], None]) -> None:
        while True:
            on_progress(self.progress())
            await asyncio.sleep(PROGRESS_EVERY_S)


def _interrupted_at_the_end(result: RunResult) -> RunResult:
    """A signal that came when nothing was left to be stopped is reported all the same."""
    if result.stopped_by is not None:
        return replace(result, interrupted=True)
    error = InterruptedRunError(
        "interrupted while the final files were written; they are whole, and every prompt is done"
    )
    return replace(result, exit_code=error.exit_code, stopped_by=error, interrupted=True)
