"""Before a run: `check`, `plan`, `preview`, `init`, `doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgeforge.cli.app import AsJson, Ask, Config, Limit, command
from judgeforge.cli.typed import as_written
from judgeforge.errors import ConfigError

if TYPE_CHECKING:
    from judgeforge.config.run import RunConfig


@command()
def check(config: Config, limit: Limit = None, ask: Ask = False) -> None:
    """Check configuration, rubric, keys and all rows, without a call."""
    from judgeforge.cli.show.preparation import print_check, print_findings
    from judgeforge.runs.planning.check import check_run
    from judgeforge.runs.reward.checking import check_reward_function

    loaded, is_for_rewards = _loaded(config)
    report = check_reward_function(loaded) if is_for_rewards else check_run(loaded, limit=limit)
    if ask and report.usable:
        from judgeforge.runs.doctor.trial import try_models

        print_findings(findings := try_models(loaded))
        failed = [finding.name for finding in findings if finding.status == "fail"]
        report.problems += [f"{name} failed, see above" for name in failed]
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
    usd: Annotated[
        float | None,
        typer.Option(help="Say how this money is best spent: prompts, completions, judges."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Price a run (low, expected, high) without a call."""
    loaded, is_for_rewards = _loaded(config)
    if usd is not None:
        if is_for_rewards:
            raise ConfigError("--usd divides money over prompts; this configuration names none")
        from judgeforge.cli.show.spending import print_spending
        from judgeforge.runs.planning.spending_plan import plan_spending

        print_spending(plan_spending(loaded, usd, limit=limit, out=out), as_json=as_json)
        return
    from judgeforge.cli.show.preparation import print_plan
    from judgeforge.runs.planning.plan import plan_run
    from judgeforge.runs.reward.imagined import plan_rewards

    if is_for_rewards:
        report = plan_rewards(loaded, groups=limit, out=out)
    else:
        report = plan_run(loaded, limit=limit, out=out)
    print_plan(report, as_json=as_json)


@command()
def preview(
    config: Config,
    prompt: Annotated[
        str | None, typer.Option("--id", help="Of this prompt; else of the first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what models would be sent about one prompt, without a call."""
    from judgeforge.cli.show.preview import print_preview
    from judgeforge.runs.planning.preview import preview as previewed
    from judgeforge.runs.reward.imagined import preview_rewards

    loaded, is_for_rewards = _loaded(config)
    if is_for_rewards and prompt is not None:
        raise ConfigError("--id: this configuration names no `prompts`; a trainer brings them")
    wanted = None if prompt is None else as_written(prompt)
    shown = preview_rewards(loaded) if is_for_rewards else previewed(loaded, wanted)
    print_preview(shown, as_json=as_json)


@command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
    example: Annotated[
        str | None,
        typer.Option(help="Such as cascade or local-server; a name that is none lists all."),
    ] = None,
) -> None:
    """Write a commented project that runs without a key, or one of the examples."""
    from judgeforge.calls.providers.local_engine import EMBEDDED_MODEL, missing_installs
    from judgeforge.cli.show.preparation import print_example, print_project
    from judgeforge.config.shipped import init_project

    files = init_project(folder, example)
    if example is None:
        print_project(folder, files, missing=missing_installs(EMBEDDED_MODEL))
    else:
        print_example(folder, files)


@command()
def doctor(
    config: Annotated[Path | None, typer.Argument(help="A configuration.")] = None,
    ask: Ask = False,
) -> None:
    """Check versions, keys (never shown), reachability and disk."""
    from judgeforge.cli.show.preparation import print_findings
    from judgeforge.runs.doctor.doctor import diagnose

    if ask and config is None:
        raise ConfigError("--ask needs a configuration: its models are asked")
    loaded = None if config is None else _loaded(config)[0]
    findings = diagnose(loaded)
    if ask and loaded is not None:
        from judgeforge.runs.doctor.trial import try_models

        findings += try_models(loaded)
    print_findings(findings)
    raise typer.Exit(2 if any(finding.status == "fail" for finding in findings) else 0)


def _loaded(config: Path) -> tuple[RunConfig, bool]:
    """And whether it is for rewards alone, so that it names no prompts."""
    import judgeforge
    from judgeforge.runs.reward.checking import is_for_rewards
    from judgeforge.runs.reward.settings import load_for_rewards

    if is_for_rewards(config):
        return load_for_rewards(config), True
    return judgeforge.load_config(config), False
