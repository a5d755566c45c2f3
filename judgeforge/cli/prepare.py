"""Before a run: `check`, `plan`, `init`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, Config, Limit, command


@command()
def check(config: Config, limit: Limit = None) -> None:
    """Check configuration, rubric, keys and every input row, without a call."""
    import judgeforge
    from judgeforge.cli.show.preparation import print_check
    from judgeforge.runs.planning.check import check_run

    report = check_run(judgeforge.load_config(config), limit=limit)
    print_check(report)
    raise typer.Exit(0 if report.usable else 2)


@command()
def plan(
    config: Config,
    out: Annotated[
        str | None,
        typer.Option(
            help="Run folder, for what is spent and what a cascade asks; by default runs/NAME."
        ),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Price a run (low, expected, high) without a call."""
    import judgeforge
    from judgeforge.cli.show.preparation import print_plan
    from judgeforge.runs.planning.plan import plan_run

    print_plan(plan_run(judgeforge.load_config(config), limit=limit, out=out), as_json=as_json)


@command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
) -> None:
    """Write a commented project that runs on a model inside the process."""
    from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL, missing_installs
    from judgeforge.cli.show.preparation import print_project
    from judgeforge.config.shipped import init_project

    files = init_project(folder)
    print_project(folder, files, missing=missing_installs(EMBEDDED_MODEL))


@command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="A configuration.")] = None,
) -> None:
    """Check versions, keys (never shown), reachability and disk."""
    import judgeforge
    from judgeforge.cli.show.preparation import print_findings
    from judgeforge.runs.planning.doctor import diagnose

    findings = diagnose(None if config is None else judgeforge.load_config(config))
    print_findings(findings)
    raise typer.Exit(2 if any(finding.status == "fail" for finding in findings) else 0)
