"""How far a run is: a bar on a terminal, elsewhere a plain line every 30 seconds.

That a model has gone out of order, and what else a person should know, is shown at once.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from judgeforge.cli.show.output import tolerating_closed_output
from judgeforge.runs.progress import LINE_EVERY_S

if TYPE_CHECKING:
    from judgeforge.cli.show.progress_bar import ProgressBar
    from judgeforge.runs.progress import Progress


class ProgressDisplay:
    """Shows nothing when ``quiet``, and nothing more once the terminal is gone."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._silent = quiet
        self._bar: ProgressBar | None = None
        self._out_of_order: frozenset[str] = frozenset()
        self._told_at: dict[str, float] = {}
        self.told: set[str] = set()
        """The notes that were shown already."""
        self._last_line = time.monotonic()

    def __enter__(self) -> ProgressDisplay:
        if not self._silent and sys.stderr.isatty():
            from judgeforge.cli.show.progress_bar import ProgressBar

            self._bar = ProgressBar()
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with tolerating_closed_output(on_stderr=True):
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
        for note in progress.notes:
            if note not in self.told:
                self.told.add(note)
                self._print(f"judgeforge: {note}")
        if self._bar is not None:
            self._bar.show(progress)
            return
        if time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._last_line = time.monotonic()
            line = f"prompts {progress.done}/{progress.prompts}  {progress.figures}"
            self._print(f"{line}  {progress.trouble}" if progress.trouble else line)

    def _tell_what_went_out_of_order(self, progress: Progress) -> None:
        """A model that comes and goes is told of no more often than there are lines."""
        now = time.monotonic()
        out = {f"`{name}`": (failure, "") for name, failure in progress.out_of_order.items()}
        for server, failure in progress.servers_out_of_order.items():
            out[server] = failure, " (others of it carry on)"
        for model in out.keys() - self._out_of_order:
            if now - self._told_at.get(model, -LINE_EVERY_S) < LINE_EVERY_S:
                continue
            self._told_at[model] = now
            failure, beside = out[model]
            self._print(
                f"judgeforge: model {model} is out of order and only tried now and then{beside}; "
                f"last failure: {failure}"
            )
        self._out_of_order = frozenset(out)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.console.print(line, markup=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201
