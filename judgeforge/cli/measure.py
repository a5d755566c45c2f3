"""Judges against labels: `calibrate`, `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, Config, NoProgress, command

Labels = Annotated[
    Path,
    typer.Option(
        help="Rows of prompt, a, b, label; of prompt, completions, best; or a preference set.",
        show_default=False,
    ),
]


@command()
def calibrate(
    config: Config,
    labels: Labels,
    out: Annotated[Path, typer.Option(help="Where the calibration goes (JSON).")],
    allow_negative: Annotated[
        bool,
        typer.Option("--allow-negative", help="What a judge says may count as the opposite."),
    ] = False,
    quiet: NoProgress = False,
) -> None:
    """Measure the judges on labels. `judging.calibration` and `pairing.max_error` use it."""
    import judgeforge
    from judgeforge.cli.show.measurements import print_calibration
    from judgeforge.cli.show.progress import ProgressDisplay
    from judgeforge.runs.measurement.calibrating import calibrate_config

    with ProgressDisplay(quiet=quiet) as display:
        report = calibrate_config(
            judgeforge.load_config(config),
            labels,
            out,
            allow_negative=allow_negative,
            on_progress=display.update,
        )
    print_calibration(report)


@command()
def evaluate(
    config: Config,
    labels: Labels,
    against: Annotated[
        Path | None,
        typer.Option(help="What an earlier `evaluate --out` wrote, to compare with."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the figures go (JSON).")] = None,
    as_json: AsJson = False,
    quiet: NoProgress = False,
) -> None:
    """Tell how good the judges are on labels, together and alone."""
    import judgeforge
    from judgeforge.cli.show.measurements import print_evaluation
    from judgeforge.cli.show.progress import ProgressDisplay
    from judgeforge.runs.measurement.evaluating import evaluate_config

    with ProgressDisplay(quiet=quiet or as_json) as display:
        report = evaluate_config(
            judgeforge.load_config(config),
            labels,
            against=against,
            out=out,
            on_progress=display.update,
        )
    print_evaluation(report, as_json=as_json)
