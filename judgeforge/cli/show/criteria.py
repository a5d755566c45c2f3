"""What `rubric improve` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table

from judgeforge.cli.show.output import print_json, say, show
from judgeforge.text.visible import printable
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.calibration.criteria import CriteriaReport, CriterionFound
    from judgeforge.runs.measurement.improving import ImprovementReport

_UNKNOWN = "-"


def print_improvement(report: ImprovementReport, *, as_json: bool) -> None:
    found = report.criteria
    if as_json:
        print_json({**found.model_dump(mode="json"), "notes": list(report.notes)}, indent=1)
        return
    ties = f", {found.ties} ties left out" if found.ties else ""
    say(f"{counted(found.prompts, 'label')} with a preference{ties}")
    show(_table(found))
    if found.held_out_now is not None and found.gain is not None:
        falls = "falls" if found.gain >= 0 else "rises"
        say(
            f"right on labels not seen: {found.held_out_now:.1%} with the rubric's weights, "
            f"{found.held_out_suggested:.1%} with fitted ones; log loss {falls} by "
            f"{abs(found.gain):.3f} ± {found.gain_error:.3f}"
        )
    for note in report.notes:
        say(f"note: {note}")
    if report.out is not None:
        say(f"wrote {report.out}")


def _table(found: CriteriaReport) -> Table:
    table = Table(title="each criterion against the labels", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("criterion", overflow="fold")
    for name in ("weight", "differs", "right", "95 %", "labels say", "suggested"):
        table.add_column(name, justify="left" if name == "labels say" else "right")
    for one in found.criteria:
        table.add_row(printable(one.name), *_cells(one))
    return table


def _cells(one: CriterionFound) -> list[str]:
    differs = f"{one.differs:.0f} of {one.prompts:.0f}"
    shown = one.differs > 0
    low, high = one.right_ci
    return [
        f"{one.weight:g}",
        differs,
        f"{one.right / one.differs:.0%}" if shown else _UNKNOWN,
        f"{low:.0%} to {high:.0%}" if shown else _UNKNOWN,
        one.says,
        _UNKNOWN if one.suggested is None else f"{one.suggested:g}",
    ]
