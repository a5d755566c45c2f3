"""What `run` and `status` print."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgeforge.cli.show.output import (
    command_line,
    print_json,
    say,
    show,
    tolerating_closed_output,
    usd,
)
from judgeforge.runs.progress import time_left
from judgeforge.runs.result import ASSUMED_CONFIDENCE, status_in_words, summarise
from judgeforge.store.folder import RunFolder
from judgeforge.store.json_lines import read_rows
from judgeforge.text.wording import counted, tally

if TYPE_CHECKING:
    from judgeforge.results.status import RunStatus
    from judgeforge.runs.result import RunResult
    from judgeforge.runs.sequence import SequenceReport


def note(text: str) -> None:
    """Something that a person should know while a run goes on."""
    with tolerating_closed_output(on_stderr=True):
        say(f"judgeforge: {text}", on_stderr=True)


def print_runs(
    report: SequenceReport, *, quiet: bool, as_json: bool, show_pairs: int, told: Collection[str]
) -> None:
    """``told``: the notes that were shown while it went on."""
    with tolerating_closed_output():
        if as_json:
            print_json(report.as_json())
        elif quiet:
            # A folder without a result had an error, which is printed where it is caught.
            for summary in report.summaries[: len(report.results)]:
                say(summary["text"])
        else:
            for result in report.results:
                _print_result(result, show_pairs=show_pairs)
    notes = (text for result in report.results for text in result.notes if text not in told)
    for text in (*notes, *report.untold):
        note(text)


def when_and_where(status: RunStatus) -> str:
    """Since when a run goes on, and in which process; when one that has ended was started."""
    if status.running:
        since = f" since {status.since}" if status.since else ""
        return f"{since} (process {status.pid} on {status.host})"
    return f", started {status.since}" if status.since else ""


def print_status(status: RunStatus, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(status))
        return
    budget = "" if status.budget_usd is None else f" of ${status.budget_usd:g}"
    reserved = f" (${status.reserved_usd:.6f} of it reserved)" if status.reserved_usd else ""
    left = "" if status.eta_s is None else f", about {time_left(status.eta_s)} left"
    say(f"{status.folder}: {status_in_words(status.status)}{when_and_where(status)}")
    say(
        f"{status.done} of {counted(status.prompts, 'prompt')} done, "
        f"{counted(status.pairs, 'pair')}, {counted(sum(status.skips.values()), 'skip')}{left}"
    )
    say(f"{counted(status.calls, 'call')} sent, cost {usd(status.cost_usd, 6)}{budget}{reserved}")
    if status.batches is not None:
        say(f"waits for {status.batches}")
    if status.saved_usd is not None:
        say(f"batches saved {usd(status.saved_usd, 6)} so far")
    for one in status.replicas:
        say(_server(one))
    if status.trouble is not None:
        say(status.trouble)
    if status.changed is not None:
        say(status.changed)
    if status.status == "killed":
        say("no process runs it: it was killed, and the same command goes on where it stopped")
    elif status.message and not status.running:
        say(status.message)


def _server(one: Mapping[str, Any]) -> str:
    failed = tally(one["failures"].items())
    parts = [
        counted(one["requests"], "request"),
        *([f"without a reply: {failed}"] if failed else []),
    ]
    if one["outages"]:
        now = ", and is now" if one["is_out_of_order"] else ""
        parts.append(f"out of order for {one['out_of_order_s']:.0f} s in all{now}")
    return f"{one['model']} at {one['address']}: {'; '.join(parts)}"


def _print_result(result: RunResult, *, show_pairs: int) -> None:
    summary = summarise(result)
    totals, calls = summary["totals"], summary["last_run"]["calls"]
    if result.did_nothing:
        say(f"{result.folder} is finished already; nothing was sent.")
    skips = ", ".join(f"{reason} {n}" for reason, n in totals["skips"].items()) or "none"
    say(
        f"{counted(totals['prompts'], 'prompt')}, {counted(totals['pairs'], 'pair')}, "
        f"skips: {skips}\n"
        f"calls of this start: {calls['paid']} sent, {calls['cached']} cached; "
        f"cost of the folder: {usd(totals['cost_usd'], 6)}"
    )
    if labels := result.manifest.get("given_labels"):
        say(_labels(labels))
    first = _first_pair(result.folder)
    if first is not None and result.assumes_confidence:
        say(ASSUMED_CONFIDENCE)
    if show_pairs and first is not None:
        from judgeforge.cli.show.pairs import pairs_table

        show(pairs_table(result.folder, most=show_pairs))
    if result.stopped_by is not None:
        say(f": {result.stopped_by}", mark="stopped", colour="red", on_stderr=True)
    elif result.failures is not None:
        say(f": {result.failures}", mark="too many skips", colour="yellow", on_stderr=True)
    if first is not None:
        _print_where_next(result.folder, first)


def _labels(labels: Mapping[str, Any]) -> str:
    """What became of the labels of a preference set that was judged anew."""
    return (
        f"the set's own labels: {labels['agree']} of {labels['judged']} judged stand, "
        f"{labels['flipped']} are reversed ({labels['surely_flipped']} with a probability of at "
        f"least 0.9), {labels['tied']} equal"
    )


def _first_pair(folder: Path) -> str | None:
    """Its id; None without a pair, and where a full disk kept the file from being written."""
    file = RunFolder(folder).pairs
    first = next(read_rows(file, needs="id"), None) if file.exists() else None
    return None if first is None else str(first["id"])


def _print_where_next(folder: Path, first: str) -> None:
    files = RunFolder(folder)
    say(
        f"page:  {files.report}\n"
        f"pairs: {files.pairs}   how they were made: {files.card}\n"
        f"why:   {command_line('explain', folder, first)}"
    )
