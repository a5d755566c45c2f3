"""One start of a run: opens what is needed, runs the pipeline, writes the folder, closes."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from judgeforge.calls.cache.cache import ReplyCache
from judgeforge.calls.endpoints import open_endpoints
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.judge_calls import JudgeCalls
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import Ledger
from judgeforge.calls.money.prices import prices_digest
from judgeforge.config.run import RunConfig
from judgeforge.errors import BugError, InterruptedRunError, JudgeforgeError, StoreError
from judgeforge.judging.escalation import Escalation
from judgeforge.judging.own_family import OwnFamily
from judgeforge.judging.panel import Panel
from judgeforge.records import Judgment
from judgeforge.runs.admission import Admission
from judgeforge.runs.fit import fit_so_far, go_on_fitting
from judgeforge.runs.pipeline import Pipeline
from judgeforge.runs.planning.estimate import Estimator
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.planning.worklist import Worklist, remaining
from judgeforge.runs.process import rare_garbage_collection, stop_signals, watch_for_stall
from judgeforge.runs.progress import Progress, out_of_order, what_holds_it_up
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.runs.record import RunRecord
from judgeforge.runs.result import RunResult
from judgeforge.store.counters import CachedCalls, PromptCosts
from judgeforge.store.files import check_free_space
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from judgeforge.store.log import RunLog
from judgeforge.store.spending import to_pico
from judgeforge.text.redaction import Redactor

PROGRESS_EVERY_S = 0.5
DISK_EVERY_S = 2.0


class RunSession:
    def __init__(
        self,
        config: RunConfig,
        prepared: Preparation,
        folder: RunFolder,
        journal: Journal,
        work: Worklist,
        old: dict[str, Any] | None,
        *,
        limit: int | None,
    ) -> None:
        self._config, self._prepared, self._folder = config, prepared, folder
        self._work, self._limit = work, limit
        self._started = time.monotonic()
        with contextlib.ExitStack() as opened:
            self._open(opened)
            self._assemble(journal, old)
            self._opened = opened.pop_all()

    def _open(self, opened: contextlib.ExitStack) -> None:
        """The files of a run, each closed by ``opened``."""
        config, prepared, folder = self._config, self._prepared, self._folder
        self._log = RunLog(folder.log, Redactor(k for k in prepared.keys.values() if k))
        opened.callback(self._log.close)
        ledger = _ledger(config)
        if ledger is not None:
            opened.callback(ledger.close)
        self._budget = Budget(
            folder.spending_file,
            usd=config.budget.usd,
            max_calls=config.budget.max_calls,
            ledger=ledger,
        )
        opened.callback(self._budget.close)
        self._cached_calls = CachedCalls(folder.cached_calls_file)
        opened.callback(self._cached_calls.close)
        self._prompt_costs = PromptCosts(
            folder.prompt_costs_file, prices=prices_digest(prepared.prices)
        )
        opened.callback(self._prompt_costs.close)
        self._cache = ReplyCache(config.cache_dir, on_damage=self._report_damage)
        opened.callback(self._cache.close)

    def _assemble(self, journal: Journal, old: dict[str, Any] | None) -> None:
        config, prepared, folder = self._config, self._prepared, self._folder
        self._endpoints = open_endpoints(config, prepared.keys, prepared.prices, self._log)
        self._gateway = Gateway(
            self._endpoints,
            cache=self._cache,
            budget=self._budget,
            limits=config.limits,
            log=self._log,
        )
        self._record = RunRecord(
            config,
            prepared,
            folder,
            journal,
            self._work,
            old,
            spending=self._budget.spending,
            cached_calls=self._cached_calls,
        )
        rubric = prepared.rubric
        judging = config.judging
        own_family = OwnFamily(config.models, exclude=judging.exclude_own_family)
        judge_calls = JudgeCalls(
            self._gateway,
            judging.on_judge_failure,
            {judge.model: config.models[judge.model].context_tokens for judge in judging.judges},
        )
        panel = Panel(judging.judges, rubric, judge_calls, own_family)
        estimator = Estimator(config, prepared)
        escalation = _escalation(config, panel, estimator)
        calibration = prepared.calibration
        known = fit_so_far(config, prepared, folder)
        self._record.reliability = None if known is None else known.reliability
        self._pipeline = Pipeline(
            PromptWork(
                config,
                rubric.identity,
                self._gateway,
                panel,
                escalation,
                calibration,
                None if calibration is None else calibration.trust(config.pairing),
                self._report_reading_failure,
            ),
            fit=go_on_fitting(
                known,
                config,
                prepared,
                journal,
                self._work,
                limit=self._limit,
                keep=self._record.keep_fit,
            ),
            in_flight=_prompts_in_flight(config, prepared),
            admission=Admission(self._budget, estimator.of_prompt, self._prompt_costs),
            finish=self._finish,
            halt=self._gateway.stop,
        )

    async def run(self, on_progress: Callable[[Progress], None] | None) -> RunResult:
        with self._opened:
            watchers = [asyncio.create_task(self._watch_disk())]
            if on_progress is not None:
                watchers.append(asyncio.create_task(self._report(on_progress)))
            try:
                self._check_disk()
                self._log.event("run_started", rows=self._work.rows_at_issue, todo=self._work.todo)
                self._record.begin()
                return await self._flow_and_conclude()
            finally:
                for watcher in watchers:
                    watcher.cancel()
                if on_progress is not None:
                    on_progress(replace(self.progress(), trouble=None))  # nothing is waited for
                await self._gateway.close()

    async def _flow_and_conclude(self) -> RunResult:
        with stop_signals(self._interrupt, on_hangup=self._hang_up) as asked_to_stop:
            with rare_garbage_collection():
                await self._flow()
            result = self._conclude()
        return _interrupted_at_the_end(result) if asked_to_stop() else result

    def progress(self) -> Progress:
        failing = out_of_order(self._endpoints.values())
        return Progress(
            prompts=self._work.rows_at_issue,
            done=self._record.tally.prompts,
            pairs=self._record.tally.pairs,
            paid_calls=self._record.paid_calls(),
            cached_calls=self._gateway.cached_calls,
            cost_usd=self._budget.spending().cost_usd,
            budget_usd=self._config.budget.usd,
            elapsed_s=time.monotonic() - self._started,
            done_before=self._record.done_before,
            out_of_order=failing,
            trouble=what_holds_it_up(self._gateway, failing),
        )

    async def _flow(self) -> None:
        rows = remaining(
            self._config.prompts, self._prepared.row_checks, self._work, limit=self._limit
        )
        flow = asyncio.create_task(self._pipeline.run(rows))
        halted = asyncio.create_task(self._drain_when_halted())
        watch = asyncio.create_task(
            watch_for_stall(
                self._config.limits.stall_s,
                progress=lambda: (self._gateway.last_reply_at, self._record.tally.prompts),
                what_it_waits_for=self._gateway.what_it_waits_for,
                stop=self._pipeline.stop,
            )
        )
        try:
            await asyncio.shield(flow)
        except asyncio.CancelledError:
            # Ctrl-C without our own handler (a thread, a notebook): stop as orderly as with it.
            self._interrupt()
            await flow
        finally:
            halted.cancel()
            watch.cancel()
        await self._gateway.drain(self._config.limits.grace_s)

    async def _drain_when_halted(self) -> None:
        """After a stop, calls in flight get the grace to end; then they are given up."""
        await self._pipeline.halted.wait()
        await self._gateway.drain(self._config.limits.grace_s)
        self._pipeline.cancel()

    def _finish(self, position: int, outcome: FinishedPrompt) -> None:
        self._record.finish(position, outcome)
        self._cached_calls.keep(self._gateway.cached_calls)

    def _conclude(self) -> RunResult:
        error = self._pipeline.stopped_by
        if error is not None and not isinstance(error, JudgeforgeError):
            error = self._bug(error)
        with contextlib.suppress(StoreError):  # a full disk is found again with the first result
            self._cached_calls.keep(self._gateway.cached_calls)
        manifest, code, error = self._record.conclude(error, bug=self._bug)
        # On a full disk the manifest has said why already, and so does the exit code.
        with contextlib.suppress(StoreError) if code == StoreError.exit_code else nullcontext():
            self._log.event("run_ended", status=manifest["status"], totals=manifest["totals"])
        return RunResult(self._folder.path, manifest, code, error)

    def _bug(self, error: BaseException) -> BugError:
        # What is told of a bug must not fail for want of room in the log.
        with contextlib.suppress(StoreError):
            shown = "".join(traceback.format_exception(error))
            self._log.event("bug", error=repr(error), traceback=shown)
        return BugError(error, self._folder.log)

    def _interrupt(self) -> None:
        trouble = what_holds_it_up(self._gateway, out_of_order(self._endpoints.values()))
        before = "" if trouble is None else f" while {trouble}"
        self._pipeline.stop(
            InterruptedRunError(
                f"interrupted{before}; the same command goes on where this one stopped"
            )
        )

    def _hang_up(self) -> None:
        self._log.event("terminal_closed")

    def _check_disk(self) -> None:
        places = [self._folder.path, self._config.cache_dir]
        if self._config.ledger_file is not None:
            places.append(self._config.ledger_file.parent)
        check_free_space(places, self._config.limits.min_free_mb)

    async def _watch_disk(self) -> None:
        while True:
            await asyncio.sleep(DISK_EVERY_S)
            try:
                self._check_disk()
            except StoreError as error:
                self._pipeline.stop(error)
                return

    def _report_damage(self, key: str, reason: str) -> None:
        self._log.event("cache_row_refused", key=key, reason=reason)

    def _report_reading_failure(self, judgment: Judgment) -> None:
        self._log.event(
            "reading_failed", judgment=judgment.id, key=judgment.call, error=judgment.missing
        )

    async def _report(self, on_progress: Callable[[Progress], None]) -> None:
        while True:
            on_progress(self.progress())
            await asyncio.sleep(PROGRESS_EVERY_S)


def _interrupted_at_the_end(result: RunResult) -> RunResult:
    """Whoever started the run learns of a signal that came when nothing was left to be stopped."""
    if result.stopped_by is not None:
        return replace(result, interrupted=True)
    error = InterruptedRunError(
        "interrupted while the final files were written; they are whole, and every prompt is done"
    )
    return replace(result, exit_code=error.exit_code, stopped_by=error, interrupted=True)


def _ledger(config: RunConfig) -> Ledger | None:
    if config.ledger_file is None:
        return None
    daily = config.budget.daily_usd
    return Ledger(
        config.ledger_file,
        daily_pico=None if daily is None else to_pico(daily),
        timezone=config.budget.timezone,
    )


def _escalation(config: RunConfig, panel: Panel, estimator: Estimator) -> Escalation | None:
    rules = config.judging.cascade
    if rules is None or not config.judging.judges:
        return None
    max_error = config.pairing.max_error
    return Escalation(panel, rules, estimator.question_usd, max_error=max_error)


def _prompts_in_flight(config: RunConfig, prepared: Preparation) -> int:
    """Enough to keep all slots busy, few enough that the first prompts finish early."""
    slots = sum(config.models[name].concurrency for name in prepared.keys)
    return max(2, min(config.limits.concurrency, slots))
