"""Opens and connects the parts of one start: files, door, judges, fit, pipeline, record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    closing,
    nullcontext,
)
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.calls.cache import ReplyCache, write_ahead_log
from judgeforge.calls.endpoints import Endpoint, open_endpoints
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.limits.queues import Slots
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import Ledger
from judgeforge.calls.money.prices import prices_digest
from judgeforge.calls.telemetry.recording import Telemetry
from judgeforge.config.run import EACH_REPLY, RunConfig
from judgeforge.judging.panel import TriedPanel
from judgeforge.judging.programs.deciding import AT_ONCE, Programs
from judgeforge.runs.admission import Admission
from judgeforge.runs.answered_before import answered_before
from judgeforge.runs.audit_stop import audit_stop
from judgeforge.runs.cluster.leases import return_leases
from judgeforge.runs.cost_estimates.batch_plan import no_batch_price
from judgeforge.runs.cost_estimates.estimate import Estimator
from judgeforge.runs.cost_estimates.expected_calls import ExpectedCalls
from judgeforge.runs.cost_estimates.size_estimates import EstimatesBySize
from judgeforge.runs.division import taken_through, team_of
from judgeforge.runs.door import RunDoor
from judgeforge.runs.first_prompts import FirstPrompts
from judgeforge.runs.fit import fit_so_far, go_on_fitting, recall_rest
from judgeforge.runs.pipeline import Pipeline
from judgeforge.runs.preparation.extra_judgments import first_prompts
from judgeforge.runs.preparation.preparation import Preparation
from judgeforge.runs.prompt_work import PromptWork
from judgeforge.runs.record import RunRecord
from judgeforge.runs.start import Start
from judgeforge.runs.telemetry import traced
from judgeforge.runs.work_parts import build_prompt_work, first_replies
from judgeforge.store.batches import BatchBook
from judgeforge.store.counters import CachedCalls, PromptCosts
from judgeforge.store.disk_sync import DiskSync
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.judge_replies import (
    JudgeReplies,
    read_judge_replies,
    write_judge_replies,
)
from judgeforge.store.log import RunLog, logged_calls
from judgeforge.store.on_disk import doubtful_from
from judgeforge.store.spending import book_lost_calls, to_pico
from judgeforge.text.redaction import Redactor

if TYPE_CHECKING:
    from judgeforge.runs.cluster.team import Team


@dataclass(frozen=True, slots=True)
class Files:
    """What a start writes besides its journal."""

    log: RunLog
    budget: Budget
    lost_calls: int | None
    """Paid calls whose rows in the spending file are lost; None where it is whole."""
    cached_calls: CachedCalls
    prompt_costs: PromptCosts
    cache: ReplyCache
    book: BatchBook
    disk: DiskSync


@dataclass(frozen=True, slots=True)
class Parts:
    files: Files
    door: RunDoor
    record: RunRecord
    work: PromptWork
    """That of this process."""
    pipeline: Pipeline
    expected_calls: ExpectedCalls
    programs: Programs


@dataclass(frozen=True, slots=True)
class _Calls:
    gateway: Gateway
    endpoints: list[Endpoint]
    slots: Slots


@asynccontextmanager
async def wired(
    start: Start, *, check_lock: Callable[[], None], telemetry: Telemetry | None = None
) -> AsyncIterator[Parts]:
    """All parts of a start, closed at the end. Raises StoreError where a file cannot be opened,
    ConfigError where the cluster that is named cannot be reached."""
    async with _cluster(start) as processors:
        workers = start.options.workers or processors
        start = replace(start, options=replace(start.options, workers=workers))
        async with _opened(start, check_lock, telemetry) as parts:
            yield parts


def _cluster(start: Start) -> AbstractAsyncContextManager[int | None]:
    """Its number of processors; None without one. What knows of workers is loaded for them only."""
    if start.options.cluster is None:
        return nullcontext()
    from judgeforge.runs.cluster.team import cluster_of

    return cluster_of(start)


def _gateway_of(telemetry: Telemetry | None) -> Callable[..., Gateway]:
    if telemetry is None:
        return Gateway
    from judgeforge.calls.telemetry.traced_door import TracedDoor

    return partial(TracedDoor, telemetry)


@asynccontextmanager
async def _opened(
    start: Start, check_lock: Callable[[], None], telemetry: Telemetry | None
) -> AsyncIterator[Parts]:
    make_gateway = _gateway_of(telemetry)
    with ExitStack() as opened:
        files = _open_files(start, opened, check_lock)
        slots = Slots(start.config.limits.concurrency)
        prepared, batch_prices = start.prepared, start.prepared.batch_prices
        keys, prices = prepared.keys, prepared.direct_prices
        endpoints = open_endpoints(
            start.config, keys, prices, files.log, batch_prices=batch_prices, slots=slots
        )
        record = RunRecord(
            start,
            spending=files.budget.spending,
            sent=lambda: files.budget.sent,
            lost_calls=files.lost_calls,
            cached_calls=files.cached_calls,
            check_lock=check_lock,
        )
        gateway = make_gateway(
            endpoints,
            cache=files.cache,
            budget=files.budget,
            limits=start.config.limits,
            log=files.log,
            book=files.book,
            say=record.say,
        )
        gateway.known.earlier = partial(answered_before, start.folder.log, files.cache, endpoints)
        record.notes += [
            no_batch_price(prepared, name) for name, price in batch_prices.items() if price is None
        ]
        if files.lost_calls is not None:
            record.notes.append(
                f"{start.folder.spending_file} has lost rows of calls that were sent, so what the "
                "folder has cost in all is not known; what this start costs is counted"
            )
        estimator = Estimator(prepared)
        programs = opened.enter_context(closing(_programs(start, files)))
        work, pipeline, door = _build_pipeline(
            start,
            estimator,
            files=files,
            calls=_Calls(gateway, list(endpoints.values()), slots),
            record=record,
            programs=programs,
            telemetry=telemetry,
        )
        learnt_from = first_prompts(start.config)
        expected = ExpectedCalls(estimator, start.work.todo, learnt_from=learnt_from)
        try:
            yield Parts(files, door, record, work, pipeline, expected, programs)
        finally:
            await door.close_team()
            await gateway.close()


def _open_files(start: Start, opened: ExitStack, check_lock: Callable[[], None]) -> Files:
    config, prepared, folder = start.config, start.prepared, start.folder
    keep = opened.enter_context
    log = keep(closing(RunLog(folder.log, redactor(prepared))))

    def refused(key: str, reason: str) -> None:
        log.event("cache_row_refused", key=key, reason=reason)

    prices = prices_digest(prepared.prices)
    sent = max(logged_calls(folder.log), start.journal.sent)
    machine_stopped = doubtful_from(folder.spending_file) is not None
    if machine_stopped:
        booked = book_lost_calls(folder.spending_file, sent=sent)
        log.event("machine_stopped", calls_booked_at_most=booked)
    money = open_budget(config, folder.spending_file, opened, check_lock)
    paid = 0 if start.previous is None else start.previous.totals.calls.paid
    if returned := return_leases(money, folder, notes_are_whole=not machine_stopped):
        log.event("leases_returned", reservations=returned)
    lost_calls = money.check_whole(sent=sent, paid=paid)
    if lost_calls is not None:
        log.event("spending_rows_lost", paid_calls=lost_calls)
    book = keep(closing(BatchBook(folder.batches_file)))
    disk = keep(closing(DiskSync(folder.state, _paid_for(start))))
    durable = disk.sync if config.cache.durable == EACH_REPLY else None
    cache = keep(closing(ReplyCache(config.cache_dir, on_damage=refused, forced_after=durable)))
    return Files(
        log=log,
        budget=money,
        lost_calls=lost_calls,
        cached_calls=keep(closing(CachedCalls(folder.cached_calls_file))),
        prompt_costs=keep(closing(PromptCosts(folder.prompt_costs_file, prices=prices))),
        cache=cache,
        book=book,
        disk=disk,
    )


def _paid_for(start: Start) -> list[Path]:
    """What a power cut must not take, the money first: what is known to be sent is never more than
    what is known to be reserved."""
    folder, ledger = start.folder, start.config.ledger_file
    money = [folder.spending_file, folder.batches_file, *([] if ledger is None else [ledger])]
    return [*money, write_ahead_log(start.config.cache_dir), folder.journal_file, folder.log]


def open_budget(
    config: RunConfig,
    spending: Path,
    opened: ExitStack,
    check_lock: Callable[[], None] = lambda: None,
) -> Budget:
    budget, keep, ledger = config.budget, opened.enter_context, None
    if config.ledger_file is not None:
        daily = None if budget.daily_usd is None else to_pico(budget.daily_usd)
        ledger = keep(
            closing(Ledger(config.ledger_file, daily_pico=daily, timezone=budget.timezone))
        )
    money = Budget(
        spending,
        usd=budget.usd,
        max_calls=budget.max_calls,
        ledger=ledger,
        check_lock=check_lock,
    )
    return keep(closing(money))


def redactor(prepared: Preparation) -> Redactor:
    return Redactor(key for key in prepared.keys.values() if key)


def _programs(start: Start, files: Files) -> Programs:
    return Programs(files.cache, start.config.folder, tell=files.log.event)


def _build_pipeline(
    start: Start,
    estimator: Estimator,
    *,
    files: Files,
    calls: _Calls,
    record: RunRecord,
    programs: Programs,
    telemetry: Telemetry | None,
) -> tuple[PromptWork, Pipeline, RunDoor]:
    known, gateway = fit_so_far(start), calls.gateway
    record.reliability = None if known is None else known.reliability
    say = record.say

    def finish(position: int, outcome: FinishedPrompt) -> None:
        record.finish(position, outcome)
        files.cached_calls.keep(door.cached_calls)
        if audit is not None:
            audit.look_at(position, outcome)

    def keep(known: JudgeReplies) -> None:
        write_judge_replies(start.folder.judge_replies_file, known)
        files.log.event("judge_replies", **known.as_json())

    learnt = read_judge_replies(start.folder.judge_replies_file)
    replies = first_replies(start.config, gateway, learnt, keep=keep, say=say)
    first = FirstPrompts(replies if start.prepared.asks_judges else None)
    gateway.learn_from(first)
    panel = start.prepared.panel(TriedPanel, replies, programs)
    work = build_prompt_work(start.prepared, gateway, panel, estimator, files.log, say)
    work = replace(work, sampled_before=start.sampled_before)
    fit = go_on_fitting(start, known, judge_again=work.judge_again, keep=record.keep_fit)

    def fail(error: BaseException) -> None:
        pipeline.stop(error)  # which is made below

    def gather(number: int) -> Team:
        from judgeforge.runs.cluster.team import SharedParts, open_team

        own = (files.cache, files.budget, files.log, calls.endpoints, calls.slots)
        shared = SharedParts(*own, gateway, replies, fit)
        return open_team(start, number, shared, fail=fail, say=say)

    team = team_of(start, fit, say, gather)
    estimates = EstimatesBySize(estimator.of_prompt, start.prepared)
    door = RunDoor(gateway, calls.endpoints, team)
    pipeline = Pipeline(
        traced(taken_through(work, team, first, fit), telemetry, work.rubric.name),
        fit=fit,
        first=first,
        again=lambda: recall_rest(start, fit, work.judge_again),
        in_flight=_prompts_in_flight(start.prepared),
        admission=Admission(files.budget, estimates.of_prompt, files.prompt_costs),
        finish=finish,
        halt=door.stop,
    )
    audit = audit_stop(start, work.conclude, pipeline.stop)
    if audit is not None:
        fit.on_judged = audit.wait_for_judges
    return work, pipeline, door


def _prompts_in_flight(prepared: Preparation) -> int:
    """Enough to keep all slots busy, few enough that the first prompts finish early. Batches are
    gathered from as many prompts as travel at once, so there it is the memory that limits them."""
    config = prepared.config
    if prepared.batch_prices:  # one for each model that is asked in batches
        return config.limits.batch_prompts
    asked = [config.models[name] for name in prepared.keys]
    slots = sum(model.concurrency * len(model.replicas) for model in asked)
    programs = 2 * AT_ONCE if prepared.rubric.has_programs else 0
    return max(2, programs, min(config.limits.concurrency, slots))
