"""What `watch` prints: a live view on a terminal, elsewhere a line now and then, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from judgeforge.cli.show.output import print_json, say, show, tolerating_closed_output, usd
from judgeforge.cli.show.runs import when_and_where
from judgeforge.results.figures.activity import ModelActivity
from judgeforge.results.status import KILLED
from judgeforge.runs.followed_run import RunLook
from judgeforge.runs.progress import time_left
from judgeforge.runs.result import status_in_words
from judgeforge.text.visible import one_line
from judgeforge.text.wording import counted, shortened, tally

_NARROW, _NO_BAR = 70, 50
"""Columns below which a table of models is not readable, and a bar says nothing."""
_LONGEST_ERROR = 300


class WatchDisplay:
    """``once``: all of it, once; ``as_json``: an object a look."""

    def __init__(self, *, as_json: bool = False, once: bool = False) -> None:
        self._as_json, self._once = as_json, once
        self._live = None if as_json or once or not sys.stdout.isatty() else _live()

    @property
    def is_live(self) -> bool:
        return self._live is not None

    def __enter__(self) -> WatchDisplay:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            with tolerating_closed_output():
                self._live.stop()

    def show(self, look: RunLook) -> None:
        with tolerating_closed_output():
            if self._as_json:
                print_json(look.as_json())
                sys.stdout.flush()
            elif self._once:
                show(view(look, Console().width))
            elif self._live is None:
                say(as_line(look))
                for text in ending(look) if look.is_over else ():
                    say(text)
            else:
                self._live.update(view(look, self._live.console.width), refresh=True)

    def say(self, text: str) -> None:
        """A sentence beside what is shown."""
        if self._live is not None:
            self._live.console.print(Text(text))
        else:
            say(f"judgeforge: {text}", on_stderr=True)


def _live() -> Live:
    return Live(console=Console(highlight=False), auto_refresh=False, transient=False)


def as_line(look: RunLook) -> str:
    status = look.status
    parts = [
        f"{status_in_words(status.status)}: prompts {status.done}/{status.prompts}",
        f"pairs {status.pairs}",
        f"skips {sum(status.skips.values())}",
        _calls(look),
        _money(look),
    ]
    if status.eta_s is not None and status.done < status.prompts:
        parts.append(f"about {time_left(status.eta_s)} left")
    if look.waits_for:
        parts.append(f"waits for: {'; '.join(look.waits_for)}")
    return "  ".join(parts)


def view(look: RunLook, columns: int) -> RenderableType:
    return Group(*_parts(look, columns))


def _parts(look: RunLook, columns: int) -> Iterator[RenderableType]:
    status = look.status
    words = Text(status_in_words(status.status), style=_colour(look))
    yield Text.assemble((f"{status.folder}: ", "bold"), words, when_and_where(status))
    yield _bar(look) if columns >= _NO_BAR else Text(f"{_count(look)}  {_left(look)}")
    skips = ", ".join(f"{reason} {n}" for reason, n in status.skips.items())
    told = f" ({skips})" if skips else ""
    yield Text(f"pairs {status.pairs}, skips {sum(status.skips.values())}{told}")
    yield Text(f"{_calls(look)}; {_money(look)}")
    for reason in look.waits_for:
        yield Text.assemble(("waits for: ", "yellow"), reason)
    if look.models:
        yield _models(look) if columns >= _NARROW else Group(*map(_model_line, look.models))
    if look.events:
        yield Text("also " + ", ".join(f"{one_line(name)} {n}" for name, n in look.events.items()))
    if look.errors:
        yield Text("last errors", style="bold")
    for one in look.errors:
        times = f" ({one.times} times)" if one.times > 1 else ""
        error = shortened(one_line(one.error), _LONGEST_ERROR)
        yield Text(f"{one.time[11:19]} {one_line(one.model)}{times}: {error}")
    if look.is_over:
        yield from map(Text, ending(look))
    elif status.running:
        yield Text(f"as of {look.time[11:19]} UTC; Ctrl-C leaves, the run goes on", style="dim")


def ending(look: RunLook) -> list[str]:
    """What to say of a run that does not go on."""
    status = look.status
    if status.status == KILLED:
        gone = f"its process {status.pid} on {status.host} is gone" if status.pid else "it is gone"
        return [
            f"killed: {gone} without having ended (kill -9, out of memory, or a power cut); the "
            "same command goes on where it stopped"
        ]
    return [status.message] if status.message else []


def _bar(look: RunLook) -> Table:
    status = look.status
    row = Table.grid(expand=True, padding=(0, 1))
    row.add_column(no_wrap=True)
    row.add_column(ratio=1)
    row.add_column(no_wrap=True)
    bar = ProgressBar(total=max(1, status.prompts), completed=status.done)
    row.add_row(_count(look), bar, _left(look))
    return row


def _count(look: RunLook) -> str:
    return f"prompts {look.status.done}/{look.status.prompts}"


def _left(look: RunLook) -> str:
    eta_s = look.status.eta_s
    return "" if eta_s is None else f"about {time_left(eta_s)} left"


def _models(look: RunLook) -> Table:
    since = "" if look.counted_since is None else f" since {look.counted_since[11:19]} UTC"
    table = Table(expand=True, header_style="bold", show_edge=False, pad_edge=False)
    table.add_column("model", overflow="fold", ratio=2)
    for name in (f"calls{since}", "a minute", "median"):
        table.add_column(name, justify="right")
    table.add_column("without a reply", overflow="fold", ratio=3)
    table.add_column("state", overflow="fold", ratio=3)
    for one in look.models:
        latency = "" if one.latency_s is None else f"{one.latency_s:.2f} s"
        table.add_row(
            one_line(one.model),
            f"{one.calls:,}",
            f"{one.per_minute:,.0f}",
            latency,
            _failures(one),
            _state(one) if look.status.running else "",
        )
    return table


def _model_line(one: ModelActivity) -> Text:
    failures = f"; without a reply: {_failures(one)}" if one.failures else ""
    return Text(
        f"{one_line(one.model)}: {counted(one.calls, 'call')}, {one.per_minute:,.0f} a minute"
        f"{failures}; {_state(one)}"
    )


def _failures(one: ModelActivity) -> str:
    return tally((one_line(why), count) for why, count in one.failures.items())


def _state(one: ModelActivity) -> str:
    if one.out_of_order_s is not None:
        where = f" at {', '.join(map(one_line, one.servers))}" if one.servers else ""
        return f"out of order for {one.out_of_order_s:.0f} s{where}"
    if one.refused_lately:
        return f"refuses: {one.refused_lately} in the last minute"
    return "answers" if one.replies else "has not answered yet"


def _calls(look: RunLook) -> str:
    rate = f", {look.calls_per_minute:,.0f} a minute" if look.status.running else ""
    return f"{counted(look.status.calls, 'call')} sent{rate}"


def _money(look: RunLook) -> str:
    status = look.status
    limit = "" if status.budget_usd is None else f" of ${status.budget_usd:g}"
    reserved = f" (${status.reserved_usd:.4f} of it reserved)" if status.reserved_usd else ""
    return f"cost {usd(status.cost_usd)}{limit}{reserved}"


def _colour(look: RunLook) -> str:
    if look.status.status == KILLED:
        return "red"
    return "cyan" if look.status.running else "bold"
