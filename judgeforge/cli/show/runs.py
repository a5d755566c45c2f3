"""What `run` and `status` print."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console

from judgeforge.cli.show.output import tolerating_closed_output
from judgeforge.cli.show.progress import time_left
from judgeforge.cli.show.reports import print_result, shown
from judgeforge.text.visible import printable
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.results.status import RunStatus
    from judgeforge.runs.sequence import SequenceReport

_out = Console(highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Something that a person should know while a run goes on."""
    with tolerating_closed_output():
        print(f"judgeforge: {printable(text)}", file=sys.stderr, flush=True)  # noqa: T201


def print_runs(report: SequenceReport, *, quiet: bool, as_json: bool, show_pairs: int) -> None:
    with tolerating_closed_output():
        if as_json:
            print(json.dumps(report.as_json()))  # noqa: T201
        elif quiet:
            # What has no result is an error, and errors are printed by whoever catches them.
            for summary in report.summaries[: len(report.results)]:
                print(printable(summary["text"]))  # noqa: T201
        else:
            for result in report.results:
                print_result(result, show_pairs=show_pairs)
    for failure in report.untold:
        note(failure)


def print_status(status: RunStatus, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(status)))  # noqa: T201
        return
    who = f" (process {status.pid} on {status.host})" if status.running else ""
    since = f" since {status.since}" if status.since else ""
    cost = "unknown" if status.cost_usd is None else f"${status.cost_usd:.6f}"
    budget = "" if status.budget_usd is None else f" of ${status.budget_usd:g}"
    left = "" if status.eta_s is None else f", about {time_left(status.eta_s)} left"
    _out.print(
        shown(f"{status.folder}: {status.status}{since}{who}"),
        shown(
            f"{status.done} of {counted(status.prompts, 'prompt')} done, "
            f"{counted(status.pairs, 'pair')}, "
            f"{counted(sum(status.skips.values()), 'skip')}{left}"
        ),
        f"{counted(status.calls, 'call')} paid, cost {cost}{budget}",
        sep="\n",
    )
    if status.trouble is not None:
        _out.print(shown(status.trouble))
    if status.status == "killed":
        _out.print("nobody runs it: it was killed, and the same command goes on where it stopped")
    elif status.message and not status.running:
        _out.print(shown(status.message))
