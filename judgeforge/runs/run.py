"""Puts a run together: configuration -> checks, door, judges, pipeline -> run folder."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from pathlib import Path

from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.records import SkipReason
from judgeforge.runs.folders import chosen_out
from judgeforge.runs.manifest import now, rows_read
from judgeforge.runs.planning.identity import differences, identity
from judgeforge.runs.planning.preparation import check_prompts_file, prepare
from judgeforge.runs.planning.worklist import Worklist, plan_work
from judgeforge.runs.process import run_in_own_thread
from judgeforge.runs.progress import Progress
from judgeforge.runs.record import exit_code_when_done
from judgeforge.runs.result import FINISHED, RunResult
from judgeforge.runs.session import RunSession
from judgeforge.store.finished_index import FinishedPrompts
from judgeforge.store.folder import RunFolder
from judgeforge.store.journal import Journal
from judgeforge.store.lock import FolderLock
from judgeforge.store.recognition import refuse_foreign_files
from judgeforge.text.wording import expect

_RETRIED = frozenset({SkipReason.CALL_FAILED})


def _expect_arguments(config: object, out: object, limit: object, budget_usd: object) -> None:
    """Raises TypeError and ValueError for what only a script can give."""
    expect(config, RunConfig, "config", "a RunConfig", "judgeforge.load_config(path) gives one")
    optional = type(None)
    expect(out, (str, os.PathLike, optional), "out", "the path of a folder, or None")
    expect(limit, (int, optional), "limit", "a whole number of rows, or None")
    expect(budget_usd, (int, float, optional), "budget_usd", "a number of USD, or None")
    if isinstance(limit, int) and limit < 0:
        raise ValueError(f"limit must be a number of rows from 0, not {limit}; None takes all")


def _with_budget(config: RunConfig, usd: float) -> RunConfig:
    if not 0 <= usd < math.inf:
        raise ConfigError(
            f"must be a number of USD from 0, not {usd:g}; leave the limit out for none",
            key="budget.usd",
        )
    budget = config.budget.model_copy(update={"usd": usd})
    return config.model_copy(update={"budget": budget})


async def arun(
    config: RunConfig,
    out: Path | str | None = None,
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    force: bool = False,
    retry_skipped: bool = False,
    no_lock: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """Run, or go on where the folder ``out`` stopped; nothing of somebody else is replaced.

    ``limit``: only prompts among the first rows begin; what is finished stays. ``budget_usd``
    replaces ``budget.usd``. ``force`` accepts a changed configuration or changed rows.
    ``retry_skipped`` does prompts again whose calls failed. ``no_lock`` accepts a file system
    without flock.

    A run that is stopped (budget, provider, interrupt) returns a result whose ``stopped_by`` says
    why. Raises ConfigError, InputError, LockHeldError and StoreError; TypeError and ValueError for
    arguments of the wrong type, or a negative ``limit``.
    """
    _expect_arguments(config, out, limit, budget_usd)
    if budget_usd is not None:
        config = _with_budget(config, budget_usd)
    prepared = prepare(config)
    check_prompts_file(config)
    folder = RunFolder(chosen_out(config, out))
    refuse_foreign_files(folder)
    folder.create()
    with FolderLock(folder.lock_file, needed=not no_lock) as lock:
        old = folder.read_manifest()
        wanted = identity(config, prepared.rubric.identity, prepared.calibration_digest)
        changed = differences(old["identity"], wanted) if old else []
        _refuse_changes(changed, folder, force=force)
        if changed:
            # The paid replies are in the cache: what is the same is not paid again.
            folder.journal_file.unlink(missing_ok=True)
            folder.reliability_file.unlink(missing_ok=True)
            folder.prompt_costs_file.unlink(missing_ok=True)
        journal = Journal(folder.journal_file)
        try:
            work = plan_work(
                config.prompts,
                prepared.row_checks,
                folder=folder.path,
                finished=FinishedPrompts(journal.entries()),
                limit=limit,
                covered=rows_read(old) if old and not changed else 0,
                accept_changes=force,
                redo=_RETRIED if retry_skipped else frozenset(),
            )
            with work.skips:
                if old and folder.is_whole() and _is_finished(old, work, changed=bool(changed)):
                    code = exit_code_when_done(config, old["totals"])
                    return RunResult(folder.path, old, code, did_nothing=True)
                lock.sign(since=now(), journal_bytes=journal.size)
                session = RunSession(config, prepared, folder, journal, work, old, limit=limit)
                return await session.run(on_progress)
        finally:
            journal.close()


def run(
    config: RunConfig,
    out: Path | str | None = None,
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    force: bool = False,
    retry_skipped: bool = False,
    no_lock: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunResult:
    """``arun`` for synchronous code, with the same arguments, results and errors.

    >>> config = judgeforge.load_config("config.yaml")
    >>> result = judgeforge.run(config, out="runs/first")
    >>> result.exit_code, result.manifest["status"]
    (0, 'complete')
    >>> result.pairs.column_names[:5]
    ['id', 'prompt_id', 'prompt', 'chosen', 'rejected']

    Called again it goes on where the folder stopped; what is finished is not paid again. It works
    inside a running event loop (a notebook) as well: there Ctrl-C stops the run in order, as on the
    command line, and is raised then.
    """
    running = arun(
        config,
        out,
        limit=limit,
        budget_usd=budget_usd,
        force=force,
        retry_skipped=retry_skipped,
        no_lock=no_lock,
        on_progress=on_progress,
    )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(running)
    return run_in_own_thread(running)


def _refuse_changes(changed: list[str], folder: RunFolder, *, force: bool) -> None:
    if not changed or force:
        return
    more = f"; and {len(changed) - 3} more" if len(changed) > 3 else ""
    raise ConfigError(
        f"{folder.path} was made with another configuration ({'; '.join(changed[:3])}{more}). "
        "Use another --out, or --force to do the prompts again with the new one "
        "(calls that stay the same come from the cache)."
    )


def _is_finished(old: dict[str, object], work: Worklist, *, changed: bool) -> bool:
    same_input = isinstance(old["input"], dict) and (
        old["input"].get("fingerprint") == work.fingerprint
    )
    return old["status"] in FINISHED and work.todo == 0 and same_input and not changed
