"""`run`, `status` and `watch`: make preference pairs, and see how far they are."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from judgeforge.cli.app import AsJson, Config, command, is_verbose, print_traceback

if TYPE_CHECKING:
    from judgeforge.runs.cluster.forked import ForkedWorkers

LatestFolder = Annotated[
    str,
    typer.Argument(
        help="A run folder; {date} stands for the last day that has one.", show_default=False
    ),
]

NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="Send batches and end (exit 6); the same command collects them and goes on.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(help="Address of the Ray cluster they run on; `auto`: this one, or new."),
]


@command()
def run(  # noqa: PLR0913, PLR0917 (the options of the command)
    config: Config,
    out: Annotated[
        str | None,
        typer.Option(
            help="Run folder; {date} stands for today. By default runs/NAME, named after CONFIG."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Begin prompts of the first N rows only; what is finished stays."),
    ] = None,
    budget_usd: Annotated[float | None, typer.Option(min=0, help="Instead of budget.usd.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Accept a changed configuration or changed rows.")
    ] = False,
    retry_skipped: Annotated[
        bool, typer.Option("--retry-skipped", help="Do prompts again whose calls failed.")
    ] = False,
    show_pairs: Annotated[int, typer.Option(min=0, help="Show the first N pairs at the end.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print one line at the end.")] = False,
    as_json: AsJson = False,
    no_lock: Annotated[
        bool, typer.Option("--no-lock", help="Accept a file system that has no locks.")
    ] = False,
    no_wait: NoWait = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that share the work (1).")
    ] = None,
    cluster: Cluster = None,
) -> None:
    """Make preference pairs, or go on where the same command stopped."""
    from judgeforge.cli.show.progress import ProgressDisplay
    from judgeforge.cli.show.runs import note, print_runs
    from judgeforge.runs.sequence import run_file
    from judgeforge.runs.start import StartOptions

    _begin_in_own_process()
    number = workers if cluster is None else None
    with _forked(number) as forked, ProgressDisplay(quiet=quiet) as display:
        options = StartOptions(
            limit=limit,
            budget_usd=budget_usd,
            force=force,
            retry_skipped=retry_skipped,
            no_lock=no_lock,
            no_wait=no_wait,
            workers=workers,
            cluster=cluster,
            forked=forked,
        )
        report = run_file(config, out, options, say=note, on_progress=display.update)
    print_runs(report, quiet=quiet, as_json=as_json, show_pairs=show_pairs, told=display.told)
    if report.error is not None:
        raise report.error
    if is_verbose():
        for error in filter(None, (result.stopped_by for result in report.results)):
            print_traceback(error)
    raise typer.Exit(report.exit_code)


def _begin_in_own_process() -> None:
    """What may be done where nobody else's code is in the process."""
    from judgeforge.store.log import load_logger_alone

    load_logger_alone()
    gc.freeze()  # what is imported so far stays: no pass needs to look at it


@contextmanager
def _forked(workers: int | None) -> Iterator[ForkedWorkers | None]:
    """Before anything begins that a copy of this process would have only half of."""
    if workers is None or workers < 2:
        yield None
        return
    from judgeforge.runs.cluster import worker  # noqa: F401 (what each of them needs)
    from judgeforge.runs.cluster.forked import ForkedWorkers

    forked = ForkedWorkers()
    forked.fork(workers)
    try:
        yield forked
    finally:
        forked.end()


@command()
def status(
    folder: LatestFolder,
    as_json: AsJson = False,
) -> None:
    """Show how far a run is, since when, and what it has spent."""
    from judgeforge.cli.show.runs import print_status
    from judgeforge.results.status import read_status
    from judgeforge.runs.folders import latest_folder

    print_status(read_status(latest_folder(folder)), as_json=as_json)


@command()
def watch(
    folder: LatestFolder,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each look, one to a line.")
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds from look to look: 1 on a terminal, else 30."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds in which a run may begin there.")
    ] = 60.0,
) -> None:
    """Follow a run that another process makes; ends when it does, with its exit code."""
    from judgeforge.cli.show.watching import WatchDisplay
    from judgeforge.runs.watching import LINE_EVERY_S, LOOK_EVERY_S, Watch

    with WatchDisplay(as_json=as_json, once=once) as display:
        follow = Watch(folder, display.show, display.say)
        every_s = every or (LOOK_EVERY_S if display.is_live else LINE_EVERY_S)
        code = follow.once() if once else follow.until_the_end(every_s=every_s, wait_s=wait)
    raise typer.Exit(code)
