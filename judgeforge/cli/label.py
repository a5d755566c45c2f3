"""People judge: `label`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import command


@command()
def label(  # noqa: PLR0913, PLR0917 (the options of the command)
    source: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR_OR_CONFIG",
            help="A run folder or a configuration; with --compare label files.",
            show_default=False,
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            help="The person's label file (.jsonl); with --compare one for all of them.",
            show_default=False,
        ),
    ] = None,
    number: Annotated[int, typer.Option("--n", min=1, help="How many to label.")] = 50,
    name: Annotated[
        str | None, typer.Option(help="Who labels; by default the user who is logged in.")
    ] = None,
    show: Annotated[int, typer.Option(min=2, max=4, help="Answers side by side.")] = 2,
    again: Annotated[
        float, typer.Option(min=0, max=1, help="Share to be looked at a second time.")
    ] = 0.1,
    max_error: Annotated[
        float | None,
        typer.Option(min=0.001, max=0.5, help="Share wrong to promise; else pairing.max_error."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws order and sides.")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the browser.", show_default=False)
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Tell how far the people of label files agree.")
    ] = False,
) -> None:
    """Label pairs by hand on a local page, for `calibrate`, `evaluate` and `judging.judgments`."""
    from judgeforge.cli.show.labelling import print_comparison, print_summary
    from judgeforge.cli.show.output import say
    from judgeforge.runs.labelling import labelling, several

    if compare:
        print_comparison(several.compare(source, to))
        return
    place, file = _one_each(source, to)
    asked = labelling.Asked(
        source=place,
        to=file,
        number=number,
        name=name,
        show=show,
        again=again,
        seed=seed,
        max_error=max_error,
        port=port,
        open_browser=open_browser,
    )
    print_summary(labelling.label(asked, say))


def _one_each(source: list[Path], to: Path | None) -> tuple[Path, Path]:
    from judgeforge.errors import ConfigError

    if len(source) != 1:
        raise ConfigError("name one run folder or one configuration (several files: --compare)")
    if to is None:
        raise ConfigError("say where the labels go, such as --to labels.jsonl")
    return source[0], to
