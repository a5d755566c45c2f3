"""What `label` prints at its end, and of the people of several files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.table import Table

from judgeforge.cli.show.output import say, show
from judgeforge.text.visible import printable
from judgeforge.text.wording import counted

if TYPE_CHECKING:
    from judgeforge.runs.labelling.labelling import LabelSummary
    from judgeforge.runs.labelling.people import Interval
    from judgeforge.runs.labelling.several import Together

_UNKNOWN = "-"


def print_summary(found: LabelSummary) -> None:
    left = found.number - found.done
    rest = f"; {left} more to look at" if left else ""
    here = counted(found.here, "answer")
    say(f"{found.file}: {counted(found.labels, 'label')}, {here} this time{rest}")
    if found.standing is not None:
        say(found.standing.in_words())
    if found.own is not None:
        say(found.own.in_words())


def print_comparison(together: Together) -> None:
    found = together.comparison
    people = ", ".join(found.people)
    say(f"{counted(found.items, 'question')} that two or more of {people} have answered")
    table = Table(title="how far two people agree", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("people")
    for name in ("both", "same", "95 %", "Cohen's kappa", "95 %"):
        table.add_column(name, justify="right")
    for one in found.pairs:
        table.add_row(
            printable(f"{one.first}, {one.second}"),
            str(one.items),
            f"{one.share:.0%}",
            _percent(one.share_interval),
            _UNKNOWN if one.kappa is None else f"{one.kappa:.2f}",
            _plain(one.kappa_interval),
        )
    if found.pairs:
        show(table)
    if found.alpha is None:
        say("Krippendorff's alpha: cannot be told, as all answers are the same or none is shared")
    else:
        say(
            f"Krippendorff's alpha of all: {found.alpha:.2f} ({_plain(found.alpha_interval)}); 0 "
            "is chance and 1 is full agreement. No judge can be shown to agree more with them."
        )
    if together.file is not None:
        say(f"wrote {together.file}: {counted(together.rows, 'row')} with what each person said")


def _percent(interval: Interval | None) -> str:
    return _UNKNOWN if interval is None else f"{interval[0]:.0%} to {interval[1]:.0%}"


def _plain(interval: Interval | None) -> str:
    return _UNKNOWN if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
