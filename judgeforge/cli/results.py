"""After a run: `explain`, `report`, `export`, `questions`, `push`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from judgeforge.cli.app import AsJson, Folder, command
from judgeforge.cli.typed import as_written
from judgeforge.errors import ConfigError

# Help is asked for often: it names the formats without loading what writes them.
_FORMATS = (
    "trl, kto, sft, ranked, openrlhf, nemo-rl, openai, bedrock, axolotl, llamafactory, verl-rm, "
    "jsonl or parquet."
)


@command()
def explain(
    folder: Folder,
    pair_id: Annotated[
        str, typer.Argument(help="The `id` of a pair, or of a completion.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Show why a pair is what it is, down to the single judge reply.

    With the id of a completion (as in completions.jsonl and rewards.jsonl), why it has its score.
    """
    from judgeforge.cli.show.explanation import render_completion, render_explanation
    from judgeforge.cli.show.output import print_json, say_if_changed, show
    from judgeforge.results.explain import Explanation
    from judgeforge.results.explain import explain as read_explanation
    from judgeforge.results.explain_completion import ExplainedCompletion, explain_completion

    pair_id = as_written(pair_id)
    _refuse_swapped(folder, pair_id)
    say_if_changed(folder)
    found: Explanation | ExplainedCompletion | None
    try:
        found = read_explanation(folder, pair_id)
    except ConfigError:
        found = explain_completion(folder, pair_id)
        if found is None:
            raise
    if as_json:
        print_json(found.model_dump(mode="json"), indent=2)
    elif isinstance(found, Explanation):
        show(render_explanation(found))
    else:
        show(render_completion(found))


def _refuse_swapped(folder: Path, pair_id: str) -> None:
    """Raises ConfigError. A person who thinks of the pair first also types it first."""
    from judgeforge.cli.show.output import command_line

    with suppress(OSError):  # an id that is too long for a name
        if not folder.exists() and Path(pair_id).is_dir():
            right = command_line("explain", pair_id, folder)
            raise ConfigError(f"the folder comes first, and the id after it: {right}")


@command()
def report(
    folder: Folder,
    to: Annotated[Path | None, typer.Option(help="Another .html file or folder.")] = None,
    in_browser: Annotated[
        bool, typer.Option("--open", help="Show it in the browser, where there is one.")
    ] = False,
) -> None:
    """Write one HTML page about a run and what in it needs a look."""
    from judgeforge.cli.show.output import say, say_if_changed
    from judgeforge.results.report.opening import open_page
    from judgeforge.results.report.writing import write_report

    say_if_changed(folder)
    page = write_report(folder, to=to)
    say(str(page))
    if in_browser:
        open_page(page)


@command()
def export(  # noqa: PLR0913, PLR0917 (the options of the command)
    folders: Annotated[list[Path], typer.Argument(help="Run folders.", show_default=False)],
    to: Annotated[Path, typer.Option(help="Where to write.", show_default=False)],
    target: Annotated[str, typer.Option("--format", help=_FORMATS)] = "trl",
    test_share: Annotated[float, typer.Option(min=0, max=0.9, help="Share of prompts.")] = 0.0,
    with_margin: Annotated[
        bool, typer.Option("--with-margin", help="Add `margin`, which RewardTrainer uses.")
    ] = False,
    with_weight: Annotated[
        bool, typer.Option("--with-weight", help="Add `weight` and `soft_label`.")
    ] = False,
    thinking: Annotated[
        str, typer.Option(help="Thoughts that pairs keep: field, inline or drop.")
    ] = "field",
    arguments: Annotated[
        str, typer.Option(help="Of tool calls in Parquet of trl, kto and sft: object or text.")
    ] = "object",
    template: Annotated[
        str | None, typer.Option(help="Chat template of verl-rm: chatml, a file, or a tokenizer.")
    ] = None,
    good_above: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="kto, sft: score of good ones. kto: else the mean."),
    ] = None,
    least_sure: Annotated[
        float, typer.Option(max=1, help="kto, sft: probability that this must have.")
    ] = 0.8,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out pairs that the format cannot hold.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write pairs, or all judged completions, in a trainer's format."""
    from judgeforge.cli.show.output import say, say_if_changed
    from judgeforge.results.export.export import export_pairs
    from judgeforge.results.export.targets import ExportOptions, chosen_arguments
    from judgeforge.results.export.thinking import chosen_thinking

    say_if_changed(*folders)
    options = ExportOptions(
        with_margin=with_margin,
        with_weight=with_weight,
        thinking=chosen_thinking(thinking),
        arguments=chosen_arguments(arguments),
        template=template,
        good_above=good_above,
        least_sure=least_sure,
    )
    summary = export_pairs(
        folders,
        target=target,
        to=to,
        test_share=test_share,
        force=force,
        leave_out=leave_out,
        options=options,
    )
    for line in summary.lines():
        say(line)


@command()
def questions(
    folder: Folder,
    to: Annotated[Path, typer.Option(help="A .jsonl file.", show_default=False)],
    most: Annotated[
        int | None, typer.Option("--n", min=1, help="At most this many, the most doubtful first.")
    ] = None,
    least_doubt: Annotated[
        float, typer.Option(min=0, max=0.5, help="Probability of being wrong from which to ask.")
    ] = 0.05,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write what is still in doubt, for people or programs to judge."""
    from judgeforge.cli.show.output import say, say_if_changed
    from judgeforge.results.questions import write_questions

    say_if_changed(folder)
    say(write_questions(folder, to=to, most=most, least_doubt=least_doubt, force=force).line())


@command()
def push(
    folder: Folder,
    repository: Annotated[
        str,
        typer.Argument(
            metavar="OWNER/NAME", show_default=False, help="The data set on the hub; made if new."
        ),
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see it; else it is private.")
    ] = False,
    license_name: Annotated[
        str | None, typer.Option("--license", help="Such as apache-2.0, cc-by-4.0 or other.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Completions, judgments and skips as well.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show files, sizes and card; nothing is sent.")
    ] = False,
) -> None:
    """Publish pairs and card as a data set on the Hugging Face Hub."""
    from judgeforge.cli.show.output import say, say_if_changed
    from judgeforge.results.push import prepare_push
    from judgeforge.results.push import push as publish

    say_if_changed(folder)
    if dry_run:
        ready = prepare_push(folder, repository, license=license_name, everything=everything)
        for line in ready.lines(public=public):
            say(line)
        return
    pushed = publish(folder, repository, public=public, license=license_name, everything=everything)
    for line in pushed.lines():
        say(line)
