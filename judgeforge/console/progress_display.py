"""A bar on a terminal; elsewhere a plain line every 30 seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from judgeforge.console.closed_output import tolerating_closed_output
from judgeforge.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINE_EVERY_S = 30.0


class ProgressDisplay:
    """Shows nothing when ``quiet``, and nothing more once nobody can see it."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._silent = quiet
        self._bar: Bar | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> ProgressDisplay:
        if not self._silent and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("prompts"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.add_task("run", total=None, figures="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0],
                total=progress.prompts,
                completed=progress.done,
                figures=_figures(progress),
            )
            return
        if time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            line = f"prompts {progress.done}/{progress.prompts}  {_figures(progress)}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def _figures(progress: Progress) -> str:
    parts = [
        f"pairs {progress.pairs}",
        f"calls {progress.paid_calls} paid, {progress.cached_calls} cached",
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
    spent = f"${progress.cost_usd:.4f}"
    return spent if progress.budget_usd is None else f"{spent} of ${progress.budget_usd:g}"
