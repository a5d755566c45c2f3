"""After a run: `explain`, `report`, `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import Folder, command

# Help is asked for often: it names the formats without loading what writes them.
_FORMATS = "trl, openai, jsonl, parquet, axolotl or llamafactory."


@command()
def explain(
    folder: Folder,
    pair_id: Annotated[str, typer.Argument(help="The `id` of a pair.", show_default=False)],
) -> None:
    """Show why a pair is what it is, down to the single judge reply."""
    from judgeforge.cli.show.explanation import render_explanation
    from judgeforge.cli.show.output import show
    from judgeforge.results.explain import explain as read_explanation

    show(render_explanation(read_explanation(folder, pair_id)))


@command()
def report(
    folder: Folder,
    to: Annotated[Path | None, typer.Option(help="Another .html file or folder.")] = None,
) -> None:
    """Write one HTML page about a run: pairs, judges, cost, and what needs a look."""
    from judgeforge.cli.show.output import say
    from judgeforge.results.report.writing import write_report

    say(str(write_report(folder, to=to)))


@command()
def export(
    folder: Folder,
    to: Annotated[Path, typer.Option(help="Where to write.", show_default=False)],
    target: Annotated[str, typer.Option("--format", help=_FORMATS)] = "trl",
    test_share: Annotated[float, typer.Option(min=0, max=0.9, help="Share of prompts.")] = 0.0,
    with_margin: Annotated[
        bool, typer.Option("--with-margin", help="Add `margin`, which RewardTrainer uses.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write the pairs in the format of a trainer."""
    from judgeforge.cli.show.output import say
    from judgeforge.results.export.export import export_pairs

    summary = export_pairs(
        folder, target=target, to=to, test_share=test_share, with_margin=with_margin, force=force
    )
    for line in summary.lines():
        say(line)
