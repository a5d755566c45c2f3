"""What `plan --usd` prints: the ways of spending the money, the recommended one first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from judgeforge.cli.show.output import print_json, say, show

if TYPE_CHECKING:
    from judgeforge.runs.planning.spending_plan import SpendingOption, SpendingReport

MOST_SHOWN = 7


def print_spending(report: SpendingReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report), indent=2)
        return
    say(f"${report.usd:g}, {report.prompts_in_input} prompts in the input")
    shown = report.options[:MOST_SHOWN]
    show(_table(shown))
    if more := next((one for one in shown if one.more_in_doubt), None):
        said = f"up to {more.more_in_doubt} more where the pair is in doubt"
        say(f"{_completions(more)}: {said} (sampling.more_in_doubt)")
    left = len(report.options) - MOST_SHOWN
    if left > 0:
        say(f"… and {left} more, with fewer points (--json has all)")
    say(f" {report.reason}", mark="recommended: the first.", colour="green")
    for note in report.notes:
        say(note)


def _table(options: list[SpendingOption]) -> Table:
    table = Table("judges", "compl.", "prompts", "pairs", "cost", "wrong %", "tied %", "points")
    for one in options:
        points = "" if one is options[0] else f"{one.points:+.1f} ± {one.points_error:.1f}"
        table.add_row(
            one.name,
            _completions(one),
            str(one.prompts),
            str(one.pairs),
            f"${one.usd:.2f}",
            f"{100 * one.wrong:.1f} ({100 * one.wrong_low:.0f}-{100 * one.wrong_high:.0f})",
            f"{100 * one.tied:.0f}",
            points,
        )
    return table


def _completions(one: SpendingOption) -> str:
    more = f" +{one.more_in_doubt}" if one.more_in_doubt else ""
    return f"{one.completions}{more}"
