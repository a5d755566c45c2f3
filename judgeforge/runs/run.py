"""The public door: ``run`` and ``arun`` do what one configuration asks, in one folder."""

from __future__ import annotations

import asyncio
import math
import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, cast

from judgeforge.calls.telemetry.recording import configured
from judgeforge.config.copies import check_copied
from judgeforge.config.run import RunConfig
from judgeforge.errors import ConfigError
from judgeforge.runs.folders import chosen_folder
from judgeforge.runs.given_prompts import GivenPrompts, given_prompts, reading_given
from judgeforge.runs.manifest import now
from judgeforge.runs.own_thread import run_in_own_thread
from judgeforge.runs.preparation.preparation import check_prompts_file, prepare
from judgeforge.runs.progress import Progress
from judgeforge.runs.progress_shown import shown
from judgeforge.runs.record import exit_code_when_done
from judgeforge.runs.result import RunResult
from judgeforge.runs.session import RunSession
from judgeforge.runs.start import StartOptions, open_start
from judgeforge.runs.telemetry import telling_run
from judgeforge.runs.wiring import wired
from judgeforge.store.folder import RunFolder, refuse_foreign_files
from judgeforge.store.lock import FolderLock
from judgeforge.text.wording import expect


async def arun(  # noqa: PLR0913 (the options of a run)
    config: RunConfig,
    out: Path | str | None = None,
    *,
    prompts: Iterable[Any] | None = None,
    limit: int | None = None,
    budget_usd: float | None = None,
    force: bool = False,
    retry_skipped: bool = False,
    no_lock: bool = False,
    no_wait: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    progress: bool | None = None,
) -> RunResult:
    """Run, or go on where the folder ``out`` stopped; files of other programs are not replaced.

    ``out``: as for ``--out``, ``{date}`` in it stands for today. ``prompts``: rows that are in
    memory, in place of what `prompts.path` or `prompts.hf` names, which is then not read and need
    not exist: an iterable of mappings (as lines of a JSONL file) or of texts, a datasets.Dataset,
    or a DataFrame. The folder keeps them (given-prompts.jsonl), and they are read from there with
    all other settings of `prompts`; to go on, give the same rows again. ``limit``: only prompts
    among the first rows begin; what is finished stays. ``budget_usd`` replaces ``budget.usd``.
    ``force`` accepts a changed configuration or changed rows. ``retry_skipped`` does prompts again
    whose calls failed. ``no_lock`` accepts a file system without flock. ``no_wait`` ends the start
    (exit code 6) once only batches are waited for. ``workers``: processes that share the work, of
    this machine or of the Ray cluster at the address ``cluster`` (`auto`: the one that this machine
    belongs to, or one begun for the run). ``on_progress`` is given how far the run is, twice a
    second. ``progress``: whether a line on standard error shows it; left out, at a terminal and in
    a notebook, where there is no ``on_progress``.

    A run that is stopped (budget, provider, interrupt) returns a result whose ``stopped_by`` says
    why, and whose ``exit_code`` is that of the command line; a warning says so as well. A task
    that is cancelled (a timeout, a TaskGroup) stops the run in order, with all result files
    written, and then raises CancelledError; the same call goes on. Raises
    ConfigError, InputError, LockHeldError and StoreError; TypeError and ValueError for arguments of
    the wrong type, or a negative ``limit``.
    """
    options = StartOptions(
        limit=limit,
        budget_usd=budget_usd,
        force=force,
        retry_skipped=retry_skipped,
        no_lock=no_lock,
        no_wait=no_wait,
        workers=workers,
        cluster=cluster,
    )
    _expect_arguments(config, out, options, progress)
    before = _times_cancelled()
    with given_prompts(prompts, config) as given, shown(progress, on_progress) as show:
        result = await _run_folder(config, chosen_folder(config, out), options, show, given)
    if _times_cancelled() > before:
        raise asyncio.CancelledError  # a caller that gave up must not go on with half a result
    _warn_of(result)
    return result


def run(  # noqa: PLR0913 (the options of a run)
    config: RunConfig,
    out: Path | str | None = None,
    *,
    prompts: Iterable[Any] | None = None,
    limit: int | None = None,
    budget_usd: float | None = None,
    force: bool = False,
    retry_skipped: bool = False,
    no_lock: bool = False,
    no_wait: bool = False,
    workers: int | None = None,
    cluster: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    progress: bool | None = None,
) -> RunResult:
    """``arun`` for synchronous code, with the same arguments, results and errors.

    >>> config = judgeforge.load_config("config.yaml")
    >>> result = judgeforge.run(config, out="runs/first")
    >>> result.exit_code, result.manifest["status"]
    (0, 'complete')
    >>> result.pairs.column_names[:5]
    ['id', 'prompt_id', 'prompt', 'chosen', 'rejected']

    Called again it goes on where the folder stopped; what is finished is not paid again. It also
    works inside a running event loop (a notebook): there Ctrl-C stops the run in order, as on the
    command line, and is raised afterwards. Prompts may be in memory:

    >>> rows = ["Name a river.", {"prompt": "Name a hill.", "reference": "Schlossberg"}]
    >>> judgeforge.run(config, out="runs/second", prompts=rows).manifest["input"]["rows"]
    2
    """
    options = StartOptions(
        limit=limit,
        budget_usd=budget_usd,
        force=force,
        retry_skipped=retry_skipped,
        no_lock=no_lock,
        no_wait=no_wait,
        workers=workers,
        cluster=cluster,
    )
    _expect_arguments(config, out, options, progress)
    with given_prompts(prompts, config) as given, shown(progress, on_progress) as show:
        result = run_folder(config, chosen_folder(config, out), options, show, given)
    _warn_of(result)
    return result


def run_folder(
    config: RunConfig,
    folder: Path,
    options: StartOptions | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    given: GivenPrompts | None = None,
) -> RunResult:
    """``run`` in exactly this folder; a ``{date}`` in its name stands for itself."""
    running = _run_folder(config, folder, options or StartOptions(), on_progress, given)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(running)
    return run_in_own_thread(running)


async def _run_folder(
    config: RunConfig,
    path: Path,
    options: StartOptions,
    on_progress: Callable[[Progress], None] | None,
    given: GivenPrompts | None = None,
) -> RunResult:
    folder = RunFolder(path)
    if options.budget_usd is not None:
        config = _with_budget(config, options.budget_usd)
    if given is not None:
        config = reading_given(config, folder)
    prepared = prepare(config)
    if given is None:
        check_prompts_file(config)
    refuse_foreign_files(folder)
    folder.create()
    with (
        FolderLock(folder.lock_file, needed=not options.no_lock) as lock,
        ExitStack() as started,
    ):
        with nullcontext() if given is None else given.in_place(folder):
            start = started.enter_context(open_start(prepared, folder, options))
        if start.previous is not None and start.has_nothing_to_do:
            code = exit_code_when_done(config, start.previous.totals)
            return RunResult(path, start.previous.as_json(), code, did_nothing=True)
        lock.sign(since=now(), journal_bytes=start.journal.size)
        telemetry = configured()
        with telling_run(telemetry, start) as told:
            async with wired(start, check_lock=lock.check, telemetry=telemetry) as parts:
                return told.ended(await RunSession(start, parts).run(on_progress))


def _times_cancelled() -> int:
    """How often the current task was asked to end, and has not said that it will not."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _warn_of(result: RunResult) -> None:
    """Python has no exit code, and a stopped run looks like one with few pairs."""
    if result.stopped_by is not None:
        why = f"{type(result.stopped_by).__name__}: {result.stopped_by}"
        warnings.warn(f"the run stopped early (stopped_by): {why}", stacklevel=3)
    elif result.failures is not None:
        warnings.warn(result.failures, stacklevel=3)
    for note in result.notes:
        warnings.warn(note, stacklevel=3)


def _expect_arguments(config: object, out: object, options: StartOptions, progress: object) -> None:
    """Raises TypeError and ValueError for what only a script can pass."""
    expect(config, RunConfig, "config", "a RunConfig", "judgeforge.load_config(path) gives one")
    check_copied(cast("RunConfig", config))
    optional = type(None)
    expect(out, (str, os.PathLike, optional), "out", "the path of a folder, or None")
    limit, workers = options.limit, options.workers
    expect(limit, (int, optional), "limit", "a whole number of rows, or None")
    expect(options.budget_usd, (int, float, optional), "budget_usd", "a number of USD, or None")
    expect(progress, (bool, optional), "progress", "True, False or None")
    expect(workers, (int, optional), "workers", "a whole number of processes, or None")
    expect(options.cluster, (str, optional), "cluster", "the address of a Ray cluster, or None")
    if limit is not None and limit < 0:
        raise ValueError(f"limit must be a number of rows from 0, not {limit}; None takes all")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be a number of processes from 1, not {workers}")


def _with_budget(config: RunConfig, usd: float) -> RunConfig:
    if not 0 <= usd < math.inf:
        raise ConfigError(
            f"must be a number of USD from 0, not {usd:g}; leave it out for no limit",
            key="budget.usd",
        )
    budget = config.budget.model_copy(update={"usd": usd})
    return config.model_copy(update={"budget": budget})
