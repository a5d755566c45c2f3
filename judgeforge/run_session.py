"""One start of a run: opens what is needed, runs the pipeline, writes the folder, closes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from judgeforge.admission import Admission
from judgeforge.calls.budget import Budget
from judgeforge.calls.cache import ReplyCache
from judgeforge.calls.endpoint import Endpoint
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.ledger import Ledger
from judgeforge.calls.prices import to_pico
from judgeforge.calls.throttle import ModelThrottle
from judgeforge.config import RunConfig
from judgeforge.errors import (
    BudgetExhaustedError,
    CallError,
    InterruptedRunError,
    JudgeforgeError,
    StoreError,
)
from judgeforge.estimate import Estimator
from judgeforge.garbage_collection import rare_garbage_collection
from judgeforge.identity import identity
from judgeforge.judging.panel import Panel
from judgeforge.manifest import describe, failed_share, figures, now
from judgeforge.pipeline import Pipeline, PromptWork
from judgeforge.preparation import Preparation
from judgeforge.progress import Progress
from judgeforge.providers import open_provider
from judgeforge.providers.base import Provider
from judgeforge.redaction import Redactor, redact
from judgeforge.result import RunResult
from judgeforge.run_log import open_log
from judgeforge.store.cached_calls import CachedCalls
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal, Tally
from judgeforge.store.outcome import Outcome
from judgeforge.worklist import Worklist, remaining

PROGRESS_EVERY_S = 0.5
_EXIT_TOO_MANY_SKIPS = 5


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
        self._journal, self._work, self._limit = journal, work, limit
        self._tally = work.tally
        self._fresh = Tally()
        self._done_before = self._tally.prompts
        self._started = time.monotonic()
        self._log = open_log(folder.log_file, Redactor(k for k in prepared.keys.values() if k))
        self._budget = Budget(
            folder.spending_file,
            usd=config.budget.usd,
            max_calls=config.budget.max_calls,
            ledger=_ledger(config),
        )
        self._before = self._budget.spending()
        self._cached_calls = CachedCalls(folder.cached_calls_file)
        self._cache = ReplyCache(config.cache_dir, on_damage=self._report_damage)
        self._gateway = Gateway(
            _endpoints(config, prepared),
            cache=self._cache,
            budget=self._budget,
            limits=config.limits,
            log=self._log,
        )
        rubric = prepared.rubric
        panel = Panel(config.judging.judges, rubric, self._gateway)
        self._pipeline = Pipeline(
            PromptWork(config, rubric.identity, self._gateway, panel),
            in_flight=_prompts_in_flight(config, prepared),
            admission=Admission(self._budget, Estimator(config, prepared).of_prompt),
            finish=self._finish,
            halt=self._gateway.stop,
        )
        self._description = {
            "created_at": (old or {}).get("created_at", now()),
            **describe(
                config,
                rubric.identity,
                prepared.prices,
                identity=identity(config, rubric.identity),
                input_fingerprint=work.fingerprint,
                input_rows=len(work.places),
            ),
        }

    async def run(self, on_progress: Callable[[Progress], None] | None) -> RunResult:
        reporter = asyncio.create_task(self._report(on_progress)) if on_progress else None
        try:
            self._log.event("run_started", rows=len(self._work.places), todo=self._work.todo)
            self._write_manifest("running", None)
            with self._signals(), rare_garbage_collection():
                await self._flow()
            return self._conclude()
        finally:
            if reporter is not None:
                reporter.cancel()
            if on_progress is not None:
                on_progress(self.progress())
            await self._gateway.close()
            self._cache.close()
            self._budget.close()
            self._cached_calls.close()
            self._log.close()

    def progress(self) -> Progress:
        spending = self._budget.spending()
        return Progress(
            prompts=len(self._work.places),
            done=self._tally.prompts,
            pairs=self._tally.pairs,
            paid_calls=spending.calls - self._before.calls,
            cached_calls=self._gateway.cached_calls,
            cost_usd=spending.cost_usd,
            budget_usd=self._config.budget.usd,
            elapsed_s=time.monotonic() - self._started,
            done_before=self._done_before,
        )

    async def _flow(self) -> None:
        rows = remaining(
            self._config.prompts, self._prepared.row_checks, self._work, limit=self._limit
        )
        flow = asyncio.create_task(self._pipeline.run(rows))
        halted = asyncio.create_task(self._drain_when_halted())
        try:
            await asyncio.shield(flow)
        except asyncio.CancelledError:
            # Ctrl-C without our own handler (a thread, a notebook): stop as orderly as with it.
            self._pipeline.stop(InterruptedRunError("interrupted; start the same command again"))
            await flow
        finally:
            halted.cancel()
        await self._gateway.drain(self._config.limits.grace_s)

    async def _drain_when_halted(self) -> None:
        """After a stop, calls in flight get the grace to end; then they are given up."""
        await self._pipeline.halted.wait()
        await self._gateway.drain(self._config.limits.grace_s)
        self._pipeline.cancel()

    def _finish(self, position: int, outcome: Outcome) -> None:
        entry = self._journal.append(outcome)
        self._cached_calls.keep(self._gateway.cached_calls)
        self._work.places[position] = entry.offset
        self._tally.add(entry)
        self._fresh.add(entry)

    def _conclude(self) -> RunResult:
        error = self._pipeline.stopped_by
        if error is not None and not isinstance(error, JudgeforgeError):
            self._log.event("bug", error=repr(error))
            self._write_manifest("failed", repr(error))
            raise error
        try:
            self._cached_calls.keep(self._gateway.cached_calls)
            self._folder.write_results(self._journal, self._work.rows())
            status, code = self._status(error)
            manifest = self._manifest(status, error)
            self._write_derived(manifest)
        except StoreError as failure:
            error, status, code = failure, "failed", failure.exit_code
            manifest = self._manifest(status, failure)
        with contextlib.suppress(StoreError) if status == "failed" else contextlib.nullcontext():
            self._folder.write_manifest(manifest)
        self._log.event("run_ended", status=status, totals=manifest["totals"])
        return RunResult(self._folder.path, manifest, code, error)

    def _write_derived(self, manifest: dict[str, Any]) -> None:
        from judgeforge.export.card import write_card
        from judgeforge.export.parquet import write_pairs_parquet

        pairs = self._folder.file("pairs")
        write_pairs_parquet(pairs, pairs.with_suffix(".parquet"))
        write_card(self._folder.path, manifest)

    def _status(self, error: JudgeforgeError | None) -> tuple[str, int]:
        if isinstance(error, BudgetExhaustedError):
            return "budget", error.exit_code
        if isinstance(error, CallError):
            return "provider", error.exit_code
        if isinstance(error, InterruptedRunError):
            return "interrupted", error.exit_code
        if error is not None:
            return "failed", error.exit_code
        share = failed_share(self._manifest("running", None)["totals"])
        if share > self._config.limits.max_skip_share:
            return "skipped", _EXIT_TOO_MANY_SKIPS
        return "complete", 0

    def _manifest(self, status: str, error: JudgeforgeError | str | None) -> dict[str, Any]:
        spending = self._budget.spending()
        cached = self._gateway.cached_calls
        return {
            "status": status,
            "message": None if error is None else redact(str(error)),
            "updated_at": now(),
            "totals": figures(self._tally, spending, self._cached_calls.before + cached),
            "last_run": figures(self._fresh, spending.since(self._before), cached),
            **self._description,
        }

    def _write_manifest(self, status: str, error: str | None) -> None:
        self._folder.write_manifest(self._manifest(status, error))

    def _report_damage(self, key: str, reason: str) -> None:
        self._log.event("cache_row_refused", key=key, reason=reason)

    async def _report(self, on_progress: Callable[[Progress], None]) -> None:
        while True:
            on_progress(self.progress())
            await asyncio.sleep(PROGRESS_EVERY_S)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM stop in order; a second one leaves at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            if isinstance(self._pipeline.stopped_by, InterruptedRunError):
                os._exit(InterruptedRunError.exit_code)
            self._pipeline.stop(
                InterruptedRunError("interrupted; the same command goes on where this one stopped")
            )

        caught = (signal.SIGINT, signal.SIGTERM)
        for number in caught:
            loop.add_signal_handler(number, interrupt)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)


def _ledger(config: RunConfig) -> Ledger | None:
    if config.ledger_file is None:
        return None
    daily = config.budget.daily_usd
    return Ledger(
        config.ledger_file,
        daily_pico=None if daily is None else to_pico(daily),
        timezone=config.budget.timezone,
    )


def _prompts_in_flight(config: RunConfig, prepared: Preparation) -> int:
    """Enough to keep all slots busy, few enough that the first prompts finish early."""
    slots = sum(config.models[name].concurrency for name in prepared.keys)
    return max(2, min(config.limits.concurrency, slots))


def _endpoints(config: RunConfig, prepared: Preparation) -> dict[str, Endpoint]:
    """One client for each provider, base URL and key; one throttle for each model."""
    providers: dict[tuple[str, str | None, str | None], Provider] = {}
    all_slots = asyncio.Semaphore(config.limits.concurrency)
    endpoints: dict[str, Endpoint] = {}
    for name, key in prepared.keys.items():
        model = config.models[name]
        place = (model.provider, model.base_url, key)
        if place not in providers:
            providers[place] = open_provider(model, key)
        endpoints[name] = Endpoint(
            name=name,
            model=model,
            provider=providers[place],
            throttle=ModelThrottle(
                slots=model.concurrency,
                all_slots=all_slots,
                requests_per_minute=model.rpm,
                tokens_per_minute=model.tpm,
            ),
            price=prepared.prices[name],
        )
    return endpoints
