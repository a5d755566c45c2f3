"""Opens and connects the parts of one start: files, door, judges, fit, pipeline, record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from judgeforge.calls.cache import ReplyCache, write_ahead_log
from judgeforge.calls.endpoints import Endpoint, open_endpoints
from judgeforge.calls.gateway import Gateway
from judgeforge.calls.judge_calls import JudgeCalls
from judgeforge.calls.money.budget import Budget
from judgeforge.calls.money.ledger import Ledger
from judgeforge.calls.money.prices import prices_digest
from judgeforge.config.run import EACH_REPLY, RunConfig
from judgeforge.judging.elsewhere.applied import Elsewhere
from judgeforge.judging.escalation import Escalation, TrainingAim
from judgeforge.judging.first_replies import FirstReplies
from judgeforge.judging.panel import Panel, TriedPanel
from judgeforge.judging.programs.deciding import AT_ONCE, Programs
from judgeforge.records import Judgment
from judgeforge.runs.admission import Admission
from judgeforge.runs.audit_stop import AuditStop
from judgeforge.runs.first_prompts import FirstPrompts
from judgeforge.runs.fit import fit_so_far, go_on_fitting, recall_rest
from judgeforge.runs.own_criteria import OwnCriteriaWork
from judgeforge.runs.pipeline import Pipeline
from judgeforge.runs.planning.batch_plan import no_batch_price
from judgeforge.runs.planning.estimate import Estimator
from judgeforge.runs.planning.expected_calls import ExpectedCalls
from judgeforge.runs.planning.measure import asks_from_records, bought
from judgeforge.runs.planning.preparation import Preparation
from judgeforge.runs.planning.tokenizer import read_tokenizer
from judgeforge.runs.prompt_work import EqualDraws, PromptWork
from judgeforge.runs.record import RunRecord
from judgeforge.runs.remarks import unused_verdicts
from judgeforge.runs.start import Start
from judgeforge.store.batches import BatchBook
from judgeforge.store.counters import CachedCalls, PromptCosts
from judgeforge.store.disk_sync import DiskSync
from judgeforge.store.finished_prompt import FinishedPrompt
from judgeforge.store.folder import RunFolder
from judgeforge.store.judge_replies import (
    JudgeReplies,
    read_judge_replies,
    write_judge_replies,
)
from judgeforge.store.log import RunLog, logged_calls
from judgeforge.store.on_disk import doubtful_from
from judgeforge.store.spending import book_lost_calls, to_pico
from judgeforge.text.redaction import Redactor

_TRIAL_S = 20.0
"""A server that refuses (429) or fails for this long is told of, not waited for."""


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
    endpoints: Mapping[str, Endpoint]
    gateway: Gateway
    record: RunRecord
    pipeline: Pipeline
    expected_calls: ExpectedCalls
    programs: Programs


@asynccontextmanager
async def wired(start: Start, *, check_lock: Callable[[], None]) -> AsyncIterator[Parts]:
    """All parts of a start, closed at the end. Raises StoreError where a file cannot be opened."""
    with ExitStack() as opened:
        files = _open_files(start, opened, check_lock)
        endpoints = open_endpoints(
            start.config,
            start.prepared.keys,
            start.prepared.direct_prices,
            files.log,
            batch_prices=start.prepared.batch_prices,
        )
        gateway = Gateway(
            endpoints,
            cache=files.cache,
            budget=files.budget,
            limits=start.config.limits,
            log=files.log,
            book=files.book,
        )
        record = RunRecord(
            start,
            spending=files.budget.spending,
            sent=lambda: files.budget.sent,
            lost_calls=files.lost_calls,
            cached_calls=files.cached_calls,
            check_lock=check_lock,
        )
        record.notes += [
            no_batch_price(start.prepared, name)
            for name, price in start.prepared.batch_prices.items()
            if price is None
        ]
        if files.lost_calls is not None:
            record.notes.append(
                f"{start.folder.spending_file} has lost rows of calls that were sent, so what the "
                "folder has cost in all is not known; what this start costs is counted"
            )
        estimator = Estimator(start.prepared)
        programs = opened.enter_context(closing(_programs(start, files)))
        pipeline = _build_pipeline(
            start, estimator, files=files, gateway=gateway, record=record, programs=programs
        )
        expected = ExpectedCalls(estimator, start.work.todo)
        try:
            yield Parts(files, endpoints, gateway, record, pipeline, expected, programs)
        finally:
            await gateway.close()


@asynccontextmanager
async def trial_door(prepared: Preparation, place: Path) -> AsyncIterator[tuple[Gateway, Budget]]:
    """A door that keeps nothing but what it cost: its cache, log and spending are in ``place``."""
    config, log = prepared.config, RunLog(RunFolder(place).log, _redactor(prepared))
    cache = ReplyCache(place / "cache", on_damage=lambda _, __: None)
    patience = {"max_attempts": 2, "max_retry_s": _TRIAL_S, "stall_s": _TRIAL_S}
    limits = config.limits
    limits = limits.model_copy(update={n: min(v, getattr(limits, n)) for n, v in patience.items()})
    with ExitStack() as opened:
        opened.enter_context(closing(log))
        budget = _open_budget(config, place / "spending.jsonl", opened)
        gateway = Gateway(
            open_endpoints(config, prepared.keys, prepared.direct_prices, log),
            cache=opened.enter_context(closing(cache)),
            budget=budget,
            limits=limits,
            log=log,
        )
        try:
            yield gateway, budget
        finally:
            await gateway.close()


def build_escalation(
    prepared: Preparation, panel: Panel, estimator: Estimator
) -> Escalation | None:
    """None where every judge is asked everything."""
    rules = prepared.config.judging.cascade
    if rules is None or not panel.judges:
        return None
    judging = prepared.config.judging
    training = TrainingAim(judging.training_value, estimator.fresh_prompt_usd)
    return Escalation(
        panel,
        rules,
        estimator.question_usd,
        max_error=prepared.config.pairing.max_error,
        from_records=asks_from_records(judging, checked=bool(prepared.rubric.checked)),
        training=training if judging.aim == "training" else None,
    )


def _open_files(start: Start, opened: ExitStack, check_lock: Callable[[], None]) -> Files:
    config, prepared, folder = start.config, start.prepared, start.folder
    keep = opened.enter_context
    log = keep(closing(RunLog(folder.log, _redactor(prepared))))

    def refused(key: str, reason: str) -> None:
        log.event("cache_row_refused", key=key, reason=reason)

    prices = prices_digest(prepared.prices)
    sent = max(logged_calls(folder.log), start.journal.sent)
    if doubtful_from(folder.spending_file) is not None:
        booked = book_lost_calls(folder.spending_file, sent=sent)
        log.event("machine_stopped", calls_booked_at_most=booked)
    money = _open_budget(config, folder.spending_file, opened, check_lock)
    paid = 0 if start.previous is None else start.previous.totals.calls.paid
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


def _open_budget(
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


def _redactor(prepared: Preparation) -> Redactor:
    return Redactor(key for key in prepared.keys.values() if key)


def _programs(start: Start, files: Files) -> Programs:
    return Programs(files.cache, start.config.folder, tell=files.log.event)


def _build_pipeline(
    start: Start,
    estimator: Estimator,
    *,
    files: Files,
    gateway: Gateway,
    record: RunRecord,
    programs: Programs,
) -> Pipeline:
    known = fit_so_far(start)
    record.reliability = None if known is None else known.reliability

    def finish(position: int, outcome: FinishedPrompt) -> None:
        record.finish(position, outcome)
        files.cached_calls.keep(gateway.cached_calls)
        if audit is not None:
            audit.look_at(position, outcome)

    say = record.notes.append
    replies = _first_replies(start, gateway, files.log, say)
    first = FirstPrompts(replies if start.prepared.asks_judges else None)
    gateway.learn_from(first)
    panel = start.prepared.panel(TriedPanel, replies, programs)
    work = _build_prompt_work(start, gateway, panel, estimator, files.log, say)
    fit = go_on_fitting(start, known, judge_again=work.judge_again, keep=record.keep_fit)
    pipeline = Pipeline(
        work,
        fit=fit,
        first=first,
        again=lambda: recall_rest(start, fit, work.judge_again),
        in_flight=_prompts_in_flight(start.prepared),
        admission=Admission(files.budget, estimator.of_prompt, files.prompt_costs),
        finish=finish,
        halt=gateway.stop,
    )
    audit = _audit_stop(start, work, pipeline)
    if audit is not None:
        fit.on_judged = audit.wait_for_judges
    return pipeline


def _audit_stop(start: Start, work: PromptWork, pipeline: Pipeline) -> AuditStop | None:
    """What stops the run where too few pairs by design are right; it may do so at once."""
    least = start.config.pairing.stop_below
    if least is None or not start.config.pairing.audits:
        return None
    audit = AuditStop(least, work.conclude, pipeline.stop, folder=start.folder.path)
    audit.recall(start.journal, start.work.places)
    return audit


def _build_prompt_work(
    start: Start,
    gateway: Gateway,
    panel: TriedPanel,
    estimator: Estimator,
    log: RunLog,
    say: Callable[[str], None],
) -> PromptWork:
    prepared = start.prepared
    config, calibration, verdicts = prepared.config, prepared.calibration, prepared.verdicts
    judged_weight = prepared.rubric.judged_weight or 1.0

    def reading_failed(judgment: Judgment) -> None:
        log.event("reading_failed", judgment=judgment.id, key=judgment.call, error=judgment.missing)

    return PromptWork(
        config=config,
        rubric=prepared.rubric.identity,
        gateway=gateway,
        panel=panel,
        escalation=build_escalation(prepared, panel, estimator),
        measure=bought(config.judging),
        calibration=calibration,
        tokens=read_tokenizer(config),
        trust=None if calibration is None else calibration.trust(config.pairing),
        equal_draws=EqualDraws(config.sampling, say),
        on_reading_failure=reading_failed,
        asks_nobody=prepared.asks_nobody,
        elsewhere=None
        if verdicts is None
        else Elsewhere(verdicts, judged_weight, unused_verdicts(verdicts.file, log, say)),
        own=OwnCriteriaWork.of_run(prepared, gateway),
        sampled_before=start.sampled_before,
    )


def _first_replies(
    start: Start, gateway: Gateway, log: RunLog, say: Callable[[str], None]
) -> FirstReplies:
    judging, models = start.config.judging, start.config.models
    contexts = {judge.model: models[judge.model].context_tokens for judge in judging.judges}
    file = start.folder.judge_replies_file

    def keep(known: JudgeReplies) -> None:
        write_judge_replies(file, known)
        log.event("judge_replies", **known.as_json())

    return FirstReplies(
        JudgeCalls(gateway, judging.on_judge_failure, contexts),
        {judge.model: models[judge.model] for judge in judging.judges},
        known=read_judge_replies(file),
        keep=keep,
        say=say,
    )


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
