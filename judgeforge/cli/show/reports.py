"""The summaries that commands print."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from judgeforge.store.folder import RunFolder
from judgeforge.text.visible import printable
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.runs.planning.check import CheckReport
    from judgeforge.runs.planning.doctor import Finding
    from judgeforge.runs.planning.plan import ModelPlan, PlanReport
    from judgeforge.runs.result import RunResult

_out = Console(highlight=False, soft_wrap=True)
_pages = Console(highlight=False)
"""For tables and panels, which wrap at the width of the terminal."""
_err = Console(stderr=True, highlight=False, soft_wrap=True)
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def print_result(result: RunResult, *, show_pairs: int) -> None:
    totals = result.manifest["totals"]
    if result.did_nothing:
        _out.print(f"{shown(str(result.folder))} is finished already; nothing was sent.")
    last = totals if result.did_nothing else result.manifest["last_run"]
    cost = totals["cost_usd"]
    skips = ", ".join(f"{reason} {n}" for reason, n in totals["skips"].items()) or "none"
    _out.print(
        f"{counted(totals['prompts'], 'prompt')}, {counted(totals['pairs'], 'pair')}, "
        f"skips: {skips}\n"
        f"calls of this start: {0 if result.did_nothing else last['calls']['paid']} paid, "
        f"{0 if result.did_nothing else last['calls']['cached']} cached; "
        f"cost of the folder: {'unknown' if cost is None else f'${cost:.6f}'}"
    )
    first = _first_pair(result.folder)
    if show_pairs and first is not None:
        from judgeforge.cli.show.pairs import pairs_table

        _pages.print(pairs_table(result.folder, most=show_pairs))
    if result.stopped_by is not None:
        _err.print(f"[red]stopped[/red]: {shown(str(result.stopped_by))}")
    elif result.exit_code:
        _err.print(
            "[yellow]more prompts failed than limits.max_skip_share allows[/yellow]; "
            f"see {shown(str(RunFolder(result.folder).skips))}"
        )
    if first is not None:
        _where_next(result.folder, first)


def _first_pair(folder: Path) -> str | None:
    """The id; None without a pair, and where a full disk kept the file from being written."""
    from judgeforge.store.json_lines import read_rows

    file = RunFolder(folder).pairs
    first = next(read_rows(file, needs="id"), None) if file.exists() else None
    return None if first is None else str(first["id"])


def _where_next(folder: Path, first: str) -> None:
    files = RunFolder(folder)
    _out.print(
        f"page:  {shown(str(files.report))}\n"
        f"pairs: {shown(str(files.pairs))}   how they were made: {shown(str(files.card))}\n"
        f"why:   {_program()} explain {shown(str(folder))} {shown(first)}"
    )


def _program() -> str:
    """What to type: in a virtual environment that is not activated, the way to the program."""
    return "judgeforge" if which("judgeforge") else shown(sys.argv[0])


def shown(text: str) -> str:
    """Text of files, servers and models: neither markup nor control characters."""
    return escape(printable(text))


def print_check(report: CheckReport) -> None:
    for line in report.lines():
        _out.print(shown(line))


def print_project(folder: Path, files: Sequence[Path], *, missing: Sequence[str]) -> None:
    """``missing``: the commands that install what the project's own model still needs here."""
    for file in files:
        _out.print(f"wrote {shown(str(file))}")
    if missing:
        _out.print("\nIts model runs inside the process, and is not installed yet (once):")
        for command in missing:
            _out.print(f"  {shown(command)}")
    _out.print(f"\nNext: judgeforge run {shown(str(folder / 'config.yaml'))}")


def print_plan(report: PlanReport, *, as_json: bool) -> None:
    if as_json:
        _out.print_json(json.dumps(asdict(report)))
        return
    _pages.print(_plan_table(report))
    for note in report.notes:
        _out.print(shown(note))
    for warning in report.warnings:
        _out.print(f"[yellow]warning[/yellow]: {shown(warning)}")


def _plan_table(report: PlanReport) -> Table:
    """Calls stand before the cost that they belong to: once, where all cases make the same."""
    differ = report.calls != report.calls_high
    calls = ("expected\ncalls", "high\ncalls") if differ else ("calls",)
    table = Table("model", *calls, "low\ncost", "expected\ncost", "high\ncost")
    rows: list[ModelPlan | PlanReport] = [*report.models, report]
    for name, row in zip([*(model.name for model in report.models), "all"], rows, strict=True):
        counts = (row.calls, row.calls_high) if differ else (row.calls,)
        table.add_row(name, *map(str, counts), *map(_usd, (row.low, row.expected, row.high)))
    return table


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"${value:.4f}"


def print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        colour = _COLOURS[finding.status]
        advice = f". {finding.advice}" if finding.advice else ""
        _out.print(
            f"[{colour}]{finding.status:4}[/{colour}] {shown(finding.name)}: "
            f"{shown(finding.detail)}{shown(advice)}"
        )


def print_explanation(folder: Path, pair_id: str) -> None:
    from judgeforge.cli.show.explanation import render_explanation
    from judgeforge.results.explain import explain

    _pages.print(render_explanation(explain(folder, pair_id)))
