"""`run`: make preference pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from judgeforge.cli.app import Config, Verbose, app


@app.command()
def run(
    config: Config,
    out: Annotated[Optional[Path], typer.Option(help="Run folder [runs/NAME].")] = None,  # noqa: UP045
    limit: Annotated[Optional[int], typer.Option(min=0, help="Only the first rows.")] = None,  # noqa: UP045
    budget_usd: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(min=0, help="Instead of budget.usd."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Accept a changed configuration or changed rows.")
    ] = False,
    retry_skipped: Annotated[
        bool, typer.Option("--retry-skipped", help="Do prompts again whose calls failed.")
    ] = False,
    show_pairs: Annotated[int, typer.Option(min=0, help="Show so many pairs at the end.")] = 0,
    verbose: Verbose = False,
) -> None:
    """Make preference pairs; the same command goes on where it stopped."""
    del verbose
    import judgeforge
    from judgeforge.console import ProgressDisplay, print_result

    loaded = judgeforge.load_config(config)
    with ProgressDisplay() as display:
        result = judgeforge.run(
            loaded,
            out,
            limit=limit,
            budget_usd=budget_usd,
            force=force,
            retry_skipped=retry_skipped,
            on_progress=display.update,
        )
    print_result(result, show_pairs=show_pairs)
    raise typer.Exit(result.exit_code)
