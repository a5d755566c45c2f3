"""`run` and `status`: make preference pairs, and see how far they are."""

from __future__ import annotations

from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, Config, command, is_verbose, print_traceback


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
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait",
            help="Send batches and end (exit 6); the same command collects them and goes on.",
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes of this machine that share the work.")
    ] = 1,
) -> None:
    """Make preference pairs; the same command goes on where it stopped."""
    from judgeforge.cli.show.progress import ProgressDisplay
    from judgeforge.cli.show.runs import note, print_runs
    from judgeforge.runs.sequence import run_file
    from judgeforge.runs.start import StartOptions

    options = StartOptions(limit, budget_usd, force, retry_skipped, no_lock, no_wait, workers)
    with ProgressDisplay(quiet=quiet) as display:
        report = run_file(config, out, options, say=note, on_progress=display.update)
    print_runs(report, quiet=quiet, as_json=as_json, show_pairs=show_pairs, told=display.told)
    if report.error is not None:
        raise report.error
    if is_verbose():
        for error in filter(None, (result.stopped_by for result in report.results)):
            print_traceback(error)
    raise typer.Exit(report.exit_code)


@command()
def status(
    folder: Annotated[
        str,
        typer.Argument(
            help="A run folder; {date} stands for the last day that has one.", show_default=False
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show whether a run is under way, since when, how far it is and what it has spent."""
    from judgeforge.cli.show.runs import print_status
    from judgeforge.results.status import read_status
    from judgeforge.runs.folders import latest_folder

    print_status(read_status(latest_folder(folder)), as_json=as_json)
