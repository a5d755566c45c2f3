"""How far a run is: a bar on a terminal, elsewhere a plain line every 30 seconds.

A model that has gone out of order is reported at once.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from judgeforge.cli.show.output import tolerating_closed_output, usd
from judgeforge.runs.progress import Progress

LINE_EVERY_S = 30.0


class ProgressDisplay:
    """Shows nothing when ``quiet``, and nothing more once the terminal is gone."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._silent = quiet
        self._bar: ProgressBar | None = None
        self._out_of_order: frozenset[str] = frozenset()
        self._told_at: dict[str, float] = {}
        self._last_line = time.monotonic()

    def __enter__(self) -> ProgressDisplay:
        if not self._silent and sys.stderr.isatty():
            self._bar = ProgressBar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with tolerating_closed_output():
                self._bar.stop()

    def update(self, progress: Progress) -> None:
        if self._silent:
            return
        try:
            self._show(progress)
        except OSError:
            self._silent = True  # the terminal is gone; the run is not

    def _show(self, progress: Progress) -> None:
        self._tell_what_went_out_of_order(progress)
        if self._bar is not None:
            self._bar.show(progress)
            return
        if time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            line = f"prompts {progress.done}/{progress.prompts}  {_figures(progress)}"
            self._print(f"{line}  {progress.trouble}" if progress.trouble else line)

    def _tell_what_went_out_of_order(self, progress: Progress) -> None:
        """A model that comes and goes is told of no more often than there are lines."""
        now = time.monotonic()
        for model in progress.out_of_order.keys() - self._out_of_order:
            if now - self._told_at.get(model, -LINE_EVERY_S) < LINE_EVERY_S:
                continue
            self._told_at[model] = now
            self._print(
                f"judgeforge: model `{model}` is out of order and only tried now and then; "
                f"last failure: {progress.out_of_order[model]}"
            )
        self._out_of_order = frozenset(progress.out_of_order)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def _figures(progress: Progress) -> str:
    parts = [
        f"pairs {progress.pairs}",
        f"calls {progress.paid_calls} sent, {progress.cached_calls} cached",
        _money(progress),
    ]
    if progress.eta_s is not None and progress.done < progress.prompts:
        parts.append(f"about {time_left(progress.eta_s)} left")
    return "  ".join(parts)


def time_left(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _money(progress: Progress) -> str:
    if progress.cost_usd is None:
        return "cost unknown"
    limit = "" if progress.budget_usd is None else f" of ${progress.budget_usd:g}"
    return f"{usd(progress.cost_usd)}{limit}"


class ProgressBar(RichProgress):
    """One line of figures, and below it what the run waits for, if anything."""

    def __init__(self) -> None:
        self._below: str | None = None
        super().__init__(
            TextColumn("prompts"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._run = self.add_task("run", total=None, figures="")

    def show(self, progress: Progress) -> None:
        self._below = progress.trouble
        self.update(
            self._run,
            total=progress.prompts,
            completed=progress.done,
            figures=_figures(progress),
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self._below is not None:
            yield Text(self._below, style="yellow")
