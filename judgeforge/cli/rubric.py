"""`rubric improve`: a rubric against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, Config, NoProgress, app, command
from judgeforge.cli.measure import Labels

rubric = typer.Typer(no_args_is_help=True, help="Look at a rubric with labels.")
app.add_typer(rubric, name="rubric")


@rubric.callback()
def _group() -> None:
    """Look at a rubric with labels."""


@command(rubric)
def improve(
    config: Config,
    labels: Labels,
    out: Annotated[
        Path | None,
        typer.Option(help="Where the rubric goes with the suggested weights (YAML)."),
    ] = None,
    as_json: AsJson = False,
    quiet: NoProgress = False,
) -> None:
    """Tell which criteria people agree with. What weights the labels suggest is told as well."""
    import judgeforge
    from judgeforge.cli.show.criteria import print_improvement
    from judgeforge.cli.show.progress import ProgressDisplay
    from judgeforge.runs.measurement.improving import improve_rubric

    with ProgressDisplay(quiet=quiet or as_json) as display:
        report = improve_rubric(
            judgeforge.load_config(config), labels, out=out, on_progress=display.update
        )
    print_improvement(report, as_json=as_json)
