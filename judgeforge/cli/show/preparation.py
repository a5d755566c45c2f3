"""What `check`, `plan`, `init` and `doctor` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from judgeforge.cli.show.output import command_line, print_json, say, show, usd
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from judgeforge.runs.doctor.doctor import Finding
    from judgeforge.runs.planning.check import CheckReport
    from judgeforge.runs.planning.plan import ModelPlan, PlanReport

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def print_check(report: CheckReport) -> None:
    skips = report.skips.total()
    fine = f"{counted(report.prompts, 'prompt')} {'is' if report.prompts == 1 else 'are'} fine"
    for line in report.source:
        say(line)
    if not report.for_rewards:
        say(f"{fine}, {counted(skips, 'row')} would be skipped")
    for reason, number in sorted(report.skips.items()):
        say(f"  {reason}: {number}")
    for alike in report.kinds.values():
        say(f"  {alike}")
    if report.unshown:
        say(f"  … and {report.unshown} more")
    for line in report.left_out:
        say(line)
    for number, line in enumerate(report.lint):
        say(f"  {line}" if number else f"lint of {line}")
    kinds = {"note": report.notes, "warning": report.warnings, "problem": report.problems}
    for kind, texts in kinds.items():
        for text in texts:
            say(f"{kind}: {text}")
    ready = "ready for judgeforge.reward" if report.for_rewards else "ready to run"
    say(ready if report.usable else f"not {ready}")


def print_plan(report: PlanReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report), indent=2)
        return
    show(_plan_table(report))
    for note in report.notes:
        say(note)
    for warning in report.warnings:
        say(f": {warning}", mark="warning", colour="yellow")


def _plan_table(report: PlanReport) -> Table:
    """Calls come before their cost; once only, where every case makes the same number."""
    from rich.table import Table

    differ = report.calls != report.calls_high
    calls = ("expected\ncalls", "high\ncalls") if differ else ("calls",)
    table = Table("model", *calls, "low\ncost", "expected\ncost", "high\ncost")
    rows: list[ModelPlan | PlanReport] = [*report.models, report]
    for name, row in zip([*(model.name for model in report.models), "all"], rows, strict=True):
        counts = (row.calls, row.calls_high) if differ else (row.calls,)
        table.add_row(name, *map(str, counts), *map(usd, (row.low, row.expected, row.high)))
    return table


def print_project(folder: Path, files: Sequence[Path], *, missing: Sequence[str]) -> None:
    """``missing``: the commands that install what the project's own model still needs here."""
    for file in files:
        say(f"wrote {file}")
    if missing:
        say("\nIts model runs inside the process, and is not installed yet (once):")
        for command in missing:
            say(f"  {command}")
    say(f"\nNext: {command_line('run', folder / 'config.yaml')}")


def print_example(folder: Path, files: Sequence[Path]) -> None:
    """Its models may cost money: what they need is looked at before anything is sent."""
    for file in files:
        say(f"wrote {file}")
    say(f"\nNext: {command_line('check', folder / 'config.yaml')}")


def print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        end = "" if finding.detail.endswith(".") else "."
        advice = f"{end} {finding.advice}" if finding.advice else ""
        text = f" {finding.name}: {finding.detail}{advice}"
        say(text, mark=f"{finding.status:4}", colour=_COLOURS[finding.status])
