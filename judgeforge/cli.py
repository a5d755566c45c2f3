"""The command line: parse, call, print. No logic."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from judgeforge.errors import JudgeforgeError

app = typer.Typer(
    name="judgeforge",
    help="Preference pairs you can trust, from rubric-driven LLM judges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[Path, typer.Argument(help="The configuration (YAML).", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A run folder.", show_default=False)]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the traceback of an error.")]


def main() -> None:
    """Entry point. A user's mistake is one line on stderr and an exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except JudgeforgeError as error:
        _fail(error)
    except KeyboardInterrupt:
        typer.echo("judgeforge: interrupted", err=True)
        sys.exit(130)


def _fail(error: JudgeforgeError) -> None:
    if "--verbose" in sys.argv:
        import traceback

        traceback.print_exception(error)
    typer.echo(f"judgeforge: {error}", err=True)
    sys.exit(error.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        from judgeforge.version import VERSION

        typer.echo(f"judgeforge {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


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


@app.command()
def check(
    config: Config,
    limit: Annotated[Optional[int], typer.Option(min=0, help="Only the first rows.")] = None,  # noqa: UP045
    verbose: Verbose = False,
) -> None:
    """Check configuration, rubric, keys and every input row, without a call."""
    del verbose
    import judgeforge
    from judgeforge.console import print_check
    from judgeforge.plan import check_run

    report = check_run(judgeforge.load_config(config), limit=limit)
    print_check(report)
    raise typer.Exit(0 if report.usable else 2)


@app.command()
def plan(
    config: Config,
    limit: Annotated[Optional[int], typer.Option(min=0, help="Only the first rows.")] = None,  # noqa: UP045
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    verbose: Verbose = False,
) -> None:
    """Price a run (low, expected, high) without a call."""
    del verbose
    import judgeforge
    from judgeforge.console import print_plan
    from judgeforge.plan import plan_run

    print_plan(plan_run(judgeforge.load_config(config), limit=limit), as_json=as_json)


@app.command()
def explain(
    folder: Folder,
    pair_id: Annotated[str, typer.Argument(help="The `id` of a pair.", show_default=False)],
    verbose: Verbose = False,
) -> None:
    """Show why a pair is what it is, down to the single judge reply."""
    del verbose
    from judgeforge.console import print_explanation

    print_explanation(folder, pair_id)


@app.command()
def export(
    folder: Folder,
    to: Annotated[Path, typer.Option(help="Where to write.", show_default=False)],
    target: Annotated[str, typer.Option("--format", help="trl, openai, jsonl, parquet, …")] = "trl",
    test_share: Annotated[float, typer.Option(min=0, max=0.9, help="Share of prompts.")] = 0.0,
    with_margin: Annotated[
        bool, typer.Option("--with-margin", help="Add `margin`, which RewardTrainer uses.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write the pairs in the format of a trainer."""
    del verbose
    from judgeforge.export import export_pairs

    summary = export_pairs(
        folder, target=target, to=to, test_share=test_share, with_margin=with_margin, force=force
    )
    for line in summary.lines():
        typer.echo(line)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
    verbose: Verbose = False,
) -> None:
    """Write a commented project that runs at once."""
    del verbose
    from judgeforge.scaffold import init_project

    for file in init_project(folder):
        typer.echo(f"wrote {file}")
    typer.echo(f"\nNext: judgeforge run {folder / 'config.yaml'}")


@app.command()
def doctor(
    config: Annotated[Optional[Path], typer.Argument(help="A configuration.")] = None,  # noqa: UP045
    verbose: Verbose = False,
) -> None:
    """Check versions, keys (never shown), reachability and disk."""
    del verbose
    import judgeforge
    from judgeforge.console import print_findings
    from judgeforge.doctor import diagnose

    findings = diagnose(None if config is None else judgeforge.load_config(config))
    print_findings(findings)
    raise typer.Exit(2 if any(finding.status == "fail" for finding in findings) else 0)


if __name__ == "__main__":
    main()
