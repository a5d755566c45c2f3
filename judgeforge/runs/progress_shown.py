"""How far a run is, shown to the person who called it from Python.

At a terminal one line is written anew; in a notebook one output of the cell is replaced, without a
widget, so that a saved notebook keeps its last state; elsewhere (a log file, a pipe) a line is
written every 30 seconds. Where nothing can be shown any more, the run goes on without it.
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from judgeforge.results.report.html import render_fragment
from judgeforge.runs.progress import LINE_EVERY_S, QUIET_S, Progress
from judgeforge.text.wording import shortened

_LOGGER = logging.getLogger("judgeforge")
_BAR, _COLUMNS = 20, 100
_KERNEL = "ipykernel."
_NOTEBOOKS = (_KERNEL, "marimo.")
"""Where the streams come from that show what a cell prints."""


class ProgressView(Protocol):
    def show(self, progress: Progress) -> None: ...

    def end(self) -> None: ...


@contextmanager
def shown(
    progress: bool | None, on_progress: Callable[[Progress], None] | None
) -> Iterator[Callable[[Progress], None] | None]:
    """What is to be told how far the run is.

    ``progress``: whether it is shown; None where somebody watches and there is no ``on_progress``.
    """
    if progress is None:
        progress = on_progress is None and is_watched()
    if not progress:
        yield on_progress or OutagesLogged().show
        return
    view = _view()

    def show(now: Progress) -> None:
        view.show(now)
        if on_progress is not None:
            on_progress(now)

    try:
        yield show
    finally:
        view.end()


class OutagesLogged:
    """For a script that shows nothing: each model that stays out of order is told once, through
    Python's `logging`, since the run waits for it until ``limits.stall_s``."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._told: set[str] = set()

    def show(self, progress: Progress) -> None:
        now, failing = time.monotonic(), progress.out_of_order
        self._since = {name: self._since.get(name, now) for name in failing}
        for name, since in self._since.items():
            if now - since >= QUIET_S and name not in self._told:
                self._told.add(name)
                _LOGGER.warning(
                    "judgeforge: model `%s` does not answer (%s). It is asked now and then until "
                    "limits.stall_s; to stop before that loses nothing that was paid.",
                    name,
                    failing[name],
                )


def is_watched() -> bool:
    """Whether standard error is a terminal, or the output of a notebook's cell."""
    return _is_notebook(_NOTEBOOKS) or _is_terminal()


def _view() -> ProgressView:
    publish = _kernel_display() if _is_notebook((_KERNEL,)) else None
    if publish is not None:
        return NotebookProgress(publish)
    return ProgressLine() if is_watched() else ProgressLines()


def _is_notebook(modules: tuple[str, ...]) -> bool:
    return type(sys.stderr).__module__.startswith(modules)


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # it is closed
        return False


def _kernel_display() -> Callable[..., Any] | None:
    """IPython's own way to show something and to replace it later; None without a kernel."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    return None if get_ipython() is None else display


class NotebookProgress:
    """One output of the cell, replaced in place. ``publish``: IPython's ``display``."""

    def __init__(self, publish: Callable[..., Any]) -> None:
        self._publish: Callable[..., Any] | None = publish
        self._handle: Any = None
        self._shown: dict[str, str] = {}

    def show(self, progress: Progress) -> None:
        bundle = {"text/plain": _as_line(progress), "text/html": _as_html(progress)}
        if bundle == self._shown or self._publish is None:
            return
        self._shown = bundle
        try:
            if self._handle is None:
                self._handle = self._publish(bundle, raw=True, display_id=True)
            else:
                self._handle.update(bundle, raw=True)
        except Exception:  # noqa: BLE001 (whatever fails there, the kernel is going; the run is not)
            self._publish = None

    def end(self) -> None:
        """Its last state stays."""


class ProgressLine:
    """One line on standard error that is written anew."""

    def __init__(self) -> None:
        self._stream: TextIO | None = sys.stderr
        self._longest = self._notes = 0

    def show(self, progress: Progress) -> None:
        for note in progress.notes[self._notes :]:
            self._write(f"\r{note}\n", 0)
        self._notes = len(progress.notes)
        most = shutil.get_terminal_size((_COLUMNS, 1)).columns - 1
        self._write("\r" + shortened(_as_line(progress), most), most)

    def end(self) -> None:
        if self._longest:
            self._write("\n", 0)

    def _write(self, text: str, most: int) -> None:
        self._longest = min(most, max(self._longest, len(text)))
        self._stream = _written(self._stream, text.ljust(self._longest))


class ProgressLines:
    """A line on standard error every 30 seconds, and one at the end."""

    def __init__(self) -> None:
        self._stream: TextIO | None = sys.stderr
        self._notes: Sequence[str] = ()
        self._waiting = ""
        self._last_s = time.monotonic()

    def show(self, progress: Progress) -> None:
        for note in progress.notes[len(self._notes) :]:
            self._stream = _written(self._stream, f"{note}\n")
        self._notes, self._waiting = progress.notes, f"{_as_line(progress)}\n"
        if time.monotonic() - self._last_s >= LINE_EVERY_S:
            self.end()

    def end(self) -> None:
        self._stream = _written(self._stream, self._waiting)
        self._waiting, self._last_s = "", time.monotonic()


def _written(stream: TextIO | None, text: str) -> TextIO | None:
    """The stream, as long as it can be written to."""
    if stream is None or not text:
        return stream
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError):
        return None
    return stream


def _as_line(progress: Progress) -> str:
    filled = round(progress.share * _BAR)
    bar = f"[{'#' * filled}{'-' * (_BAR - filled)}]"
    return f"{progress.count} {bar} {progress.figures}  {progress.trouble or ''}".rstrip()


def _as_html(progress: Progress) -> str:
    return render_fragment("progress.html.j2", {"progress": progress})
